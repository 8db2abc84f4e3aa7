//go:build unix

package servertest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// REST makes a call as it is written: body is sent as it is, with none if it
// is empty. It returns the HTTP status and the answer.
func (c *Caller) REST(t testing.TB, verb, path, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, "http://"+c.host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = c.header.Clone()
	request.Header.Set("Content-Type", "application/json")
	response, err := c.server.http1.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s answered %s and no JSON: %v", verb, path, response.Status, err)
	}
	return response.StatusCode, answer
}

// rest makes REST requests of Connect requests, by the paths in the contract,
// and Connect answers of REST answers.
type rest struct{ client connect.HTTPClient }

// Do makes the call that a Connect JSON client asks for.
func (r rest) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	verb, path, body, err := asREST(request.URL.Path, body)
	if err != nil {
		return nil, err
	}
	if verb == "" { // the contract gives it no path, so others call it by Connect
		request.Body = io.NopCloser(bytes.NewReader(body))
		return r.client.Do(request)
	}
	u := *request.URL
	path, u.RawQuery, _ = strings.Cut(path, "?")
	u.Path, u.RawPath = path, ""
	if raw, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = raw, path
	}
	inner, err := http.NewRequestWithContext(request.Context(), verb, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range request.Header {
		if !strings.HasPrefix(name, "Connect-") && name != "Accept-Encoding" {
			inner.Header[name] = values
		}
	}
	response, err := r.client.Do(inner)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 == 2 {
		response.StatusCode = http.StatusOK // the only one that Connect knows
		return response, nil
	}
	return response, asConnectError(response)
}

// pathVariable is a field in a path; one with =** may have slashes.
var pathVariable = regexp.MustCompile(`\{(\w+)(=\*\*)?\}`)

// asREST returns the REST request for the JSON message of a procedure. What
// the path names is taken out of the body, as clients do.
func asREST(procedure string, message []byte) (verb, path string, body []byte, err error) {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(procedure, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return "", "", nil, err
	}
	rule := proto.GetExtension(found.Options(), annotations.E_Http).(*annotations.HttpRule)
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		verb, path = http.MethodGet, pattern.Get
	case *annotations.HttpRule_Put:
		verb, path = http.MethodPut, pattern.Put
	case *annotations.HttpRule_Post:
		verb, path = http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		verb, path = http.MethodDelete, pattern.Delete
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(message, &fields); err != nil {
		return "", "", nil, err
	}
	input := found.(protoreflect.MethodDescriptor).Input()
	path = pathVariable.ReplaceAllStringFunc(path, func(variable string) string {
		name, slashes := strings.CutSuffix(strings.Trim(variable, "{}"), "=**")
		field := input.Fields().ByName(protoreflect.Name(name)).JSONName()
		var value string
		if raw := fields[field]; raw != nil {
			err = json.Unmarshal(raw, &value)
		}
		delete(fields, field)
		escaped := url.PathEscape(value)
		if slashes {
			escaped = strings.ReplaceAll(escaped, "%2F", "/")
		}
		return escaped
	})
	if err == nil && (rule.GetBody() != "" || verb != http.MethodGet && verb != http.MethodDelete) {
		body, err = json.Marshal(fields)
	} else if err == nil && len(fields) > 0 {
		path, err = withQuery(path, fields)
	}
	return verb, path, body, err
}

// withQuery puts the fields of a request without a body behind its path.
func withQuery(path string, fields map[string]json.RawMessage) (string, error) {
	query := make(url.Values)
	for name, raw := range fields {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return "", err
		}
		switch value.(type) {
		case string, bool:
			query.Set(name, fmt.Sprint(value))
		default:
			return "", fmt.Errorf("%s: the query has no room for the field %s", path, name)
		}
	}
	return path + "?" + query.Encode(), nil
}

// asConnectError puts the form of Connect on the error of a REST answer.
func asConnectError(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	var s status.Status
	if err := protojson.Unmarshal(body, &s); err != nil {
		return fmt.Errorf("the REST error of %s cannot be read: %w: %q", response.Status, err, body)
	}
	type detail struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	converted := struct {
		Code    connect.Code `json:"code"`
		Message string       `json:"message"`
		Details []detail     `json:"details"`
	}{Code: connect.Code(s.GetCode()), Message: s.GetMessage()}
	for _, d := range s.GetDetails() {
		converted.Details = append(converted.Details, detail{
			Type:  strings.TrimPrefix(d.GetTypeUrl(), "type.googleapis.com/"),
			Value: base64.RawStdEncoding.EncodeToString(d.GetValue()),
		})
	}
	text, err := json.Marshal(converted)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	response.Header.Del("Content-Length")
	response.ContentLength = int64(len(text))
	return nil
}
