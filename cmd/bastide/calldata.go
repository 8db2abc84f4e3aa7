package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// readData returns what --data says: JSON, or where it is.
func readData(p *process, data string) ([]byte, error) {
	var content []byte
	var err error
	path, isFile := strings.CutPrefix(data, "@")
	switch {
	case data == "-" || data == "@-":
		content, err = io.ReadAll(p.stdin)
	case isFile:
		content, err = os.ReadFile(path)
	default:
		content = []byte(data)
	}
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return []byte("{}"), nil
	}
	return content, nil
}

// readRequest returns the method's request with the fields of a JSON object. It
// returns a usageError that says where the JSON is wrong, without any value of
// it, which may be a secret.
func readRequest(method *reflected, content []byte) (*dynamicpb.Message, error) {
	request := dynamicpb.NewMessage(method.Input())
	err := protojson.UnmarshalOptions{Resolver: method.types}.Unmarshal(content, request)
	if err == nil {
		return request, nil
	}
	return nil, usageError{fmt.Errorf("--data: %s: %s", method.Input().FullName(), jsonMistake(err))}
}

// Forms of the errors of protojson. What is in none of them may have a value of
// the JSON in it.
var (
	jsonPlace   = regexp.MustCompile(`\(line \d+:\d+\)`)
	jsonField   = regexp.MustCompile(`(unknown|duplicate) field "[^"]*"`)
	jsonInvalid = regexp.MustCompile(`invalid value for \S+ (field \S+|key)`)
	jsonOneof   = regexp.MustCompile(`error parsing ("[^"]*"), oneof (\S+) is already set`)
)

// jsonMistake says what an error of protojson does, but for values.
func jsonMistake(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ") // put there at random, so that nobody compares the text
	place := strings.Trim(jsonPlace.FindString(text), "()")
	mistake := "this is not JSON"
	if field := jsonField.FindString(text); field != "" {
		mistake = field
	} else if invalid := jsonInvalid.FindString(text); invalid != "" {
		mistake = strings.TrimSuffix(invalid, ":")
	} else if oneof := jsonOneof.FindStringSubmatch(text); oneof != nil {
		mistake = fmt.Sprintf("%s cannot be there, for another of %s is", oneof[1], oneof[2])
	} else if strings.Contains(text, "unexpected EOF") {
		mistake = "the JSON ends too early"
	} else if strings.Contains(text, "unexpected token") {
		mistake = "the JSON does not have the form of the request here"
	}
	if place == "" {
		return mistake
	}
	return place + ": " + mistake
}

// printMessage prints a message as JSON, in one line if compact.
func printMessage(out io.Writer, method *reflected, message proto.Message, compact bool) error {
	text, err := protojson.MarshalOptions{Resolver: method.types}.Marshal(message)
	if err != nil {
		return err
	}
	// protojson puts in blanks at random.
	var form bytes.Buffer
	if compact {
		err = json.Compact(&form, text)
	} else {
		err = json.Indent(&form, text, "", "  ")
	}
	if err != nil {
		return err
	}
	form.WriteByte('\n')
	_, err = out.Write(printableJSON(form.Bytes()))
	return err
}

// listField returns the field of a list's answer that has the elements. It
// returns a usageError if there is none, or another one beside it.
func listField(method *reflected) (protoreflect.FieldDescriptor, error) {
	var list protoreflect.FieldDescriptor
	fields := method.Output().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !field.IsList() || field.Message() == nil {
			continue
		}
		if list != nil {
			return nil, usageError{errors.New("--all: the method answers more than one list")}
		}
		list = field
	}
	if list == nil {
		return nil, usageError{fmt.Errorf("--all: %s does not answer a list", method.FullName())}
	}
	return list, nil
}
