// Command openapi describes the REST API in OpenAPI 3.1. It is a plugin of
// protoc, for only those get the comments of the contract; buf.gen.yaml runs it.
// What is not declared in protos (the endpoints of OAuth 2.0, the forms of
// errors) it takes from fixed.json.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/pluginpb"
)

const source = `// Package openapi is the description of the REST API. It is made from the
// contract by tools/openapi.
package openapi

import _ "embed" // the document

// Document is the API in OpenAPI 3.1, as JSON.
//
//go:embed openapi.json
var Document string
`

func main() {
	protogen.Options{}.Run(func(plugin *protogen.Plugin) error {
		plugin.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		text, err := document(plugin.Files)
		if err != nil {
			return err
		}
		if _, err := plugin.NewGeneratedFile("openapi/openapi.json", "").Write(text); err != nil {
			return err
		}
		_, err = plugin.NewGeneratedFile("openapi/openapi.go", "").Write([]byte(source))
		return err
	})
}

// document returns the description of the services in the files that are to be
// generated.
func document(files []*protogen.File) ([]byte, error) {
	fixed, err := readFixed()
	if err != nil {
		return nil, err
	}
	d := &describer{schemas: newSchemas(), operations: map[string]object{}, ids: map[string]bool{}}
	for _, file := range files {
		for _, service := range file.Services {
			if file.Generate {
				d.service(service)
			}
		}
	}
	d.fixed(fixed)
	if err := errors.Join(d.failures...); err != nil {
		return nil, err
	}
	text, err := encode(d.document(fixed))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, append(text, '\n'), "", " ")
	return out.Bytes(), err
}

//go:embed fixed.json
var fixedText []byte

// fixed is what is written by hand. Its members are taken as they are.
type fixed struct {
	Info    json.RawMessage
	Servers json.RawMessage
	Tag     json.RawMessage
	// Paths have operations by verb.
	Paths      ordered[ordered[json.RawMessage]]
	Components struct {
		SecuritySchemes json.RawMessage
		Parameters      json.RawMessage
		Headers         json.RawMessage
		Responses       json.RawMessage
		Schemas         ordered[json.RawMessage]
	}
}

func readFixed() (fixed, error) {
	var f fixed
	decoder := json.NewDecoder(bytes.NewReader(fixedText))
	decoder.DisallowUnknownFields()
	return f, decoder.Decode(&f)
}

// ordered is a JSON object read in its order.
type ordered[T any] []struct {
	name  string
	value T
}

// UnmarshalJSON reads the members one after the other.
func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value T
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		*o = append(*o, struct {
			name  string
			value T
		}{name.(string), value})
	}
	return nil
}
