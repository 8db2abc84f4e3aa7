package main

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members keep their order, so that readers find
// fields and methods as the contract has them.
type object []member

type member struct {
	name  string
	value any
}

// set returns the object with a member at its end.
func (o object) set(name string, value any) object { return append(o, member{name, value}) }

// text returns the object with a text member, unless the text is empty.
func (o object) text(name, value string) object {
	if value == "" {
		return o
	}
	return o.set(name, value)
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := encode(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// encode returns the JSON of a value with <, > and & as they are.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func reference(name string) object { return object{{"$ref", "#/components/" + name}} }
