package wire

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// How the contract writes JSON: fields at their zero value are left out, fields
// and enum names that are not known are ignored.
var (
	jsonMarshal   = protojson.MarshalOptions{}
	jsonUnmarshal = protojson.UnmarshalOptions{DiscardUnknown: true}
)

// jsonCodec is the JSON of the contract for the handlers. Unlike theirs it takes
// a body without a byte for an empty message.
type jsonCodec struct{}

// Name returns the name that content types have.
func (jsonCodec) Name() string { return codecJSON }

// Marshal returns the JSON of a message.
func (c jsonCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

// MarshalAppend appends the JSON of a message.
func (jsonCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", message)
	}
	return jsonMarshal.MarshalAppend(dst, m)
}

// Unmarshal reads JSON into a message. It returns an error that names the field
// for a duplicate key, a second member of a oneof, a wrong type and an overflow,
// and an error for anything after the value.
func (jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", message)
	}
	if len(data) == 0 {
		proto.Reset(m)
		return nil
	}
	if err := jsonUnmarshal.Unmarshal(data, m); err != nil {
		return errors.New(plain(err.Error()))
	}
	return nil
}

// decode reads a message in the codec of a protocol.
func decode(codec string, data []byte, m proto.Message) error {
	if codec == codecJSON {
		return jsonCodec{}.Unmarshal(data, m)
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return errors.New(plain(err.Error()))
	}
	return nil
}

// plain returns an error of the protobuf library without its mark, which changes
// from build to build so that nobody depends on the words.
func plain(message string) string {
	message = strings.ReplaceAll(message, "\u00a0", " ")
	return strings.TrimSpace(strings.TrimPrefix(message, "proto:"))
}
