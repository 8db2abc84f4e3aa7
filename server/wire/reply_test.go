package wire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
)

// reply is an answer, whatever the protocol.
type reply struct {
	status     int
	code       connect.Code // 0 for success
	message    string
	id         string
	violations []*validate.Violation
	header     http.Header
	body       []byte // the message of a success
}

func (s speaker) reply(t *testing.T, res *http.Response, data []byte) reply {
	t.Helper()
	r := reply{status: res.StatusCode, header: res.Header, body: data}
	switch {
	case s.enveloped:
		r.readGRPC(t, s, res, data)
	case res.StatusCode == http.StatusOK:
	case s.rest || !json.Valid(data) || bytes.Contains(data, []byte("type.googleapis.com")):
		r.readREST(t, data)
	default:
		r.readConnect(t, data)
	}
	return r
}

func (r *reply) readREST(t *testing.T, data []byte) {
	t.Helper()
	var s status.Status
	if err := protojson.Unmarshal(data, &s); err != nil {
		t.Fatalf("not a REST error (HTTP %d): %q: %v", r.status, data, err)
	}
	r.code, r.message = connect.Code(s.GetCode()), s.GetMessage()
	for _, d := range s.GetDetails() {
		r.detail(t, d.GetTypeUrl(), d.GetValue())
	}
}

func (r *reply) readConnect(t *testing.T, data []byte) {
	t.Helper()
	var e struct {
		Code    string
		Message string
		Details []struct{ Type, Value string }
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatalf("not a Connect error: %q: %v", data, err)
	}
	if err := r.code.UnmarshalText([]byte(e.Code)); err != nil {
		t.Fatalf("not a Connect error: %q: %v", data, err)
	}
	r.message = e.Message
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			t.Fatal(err)
		}
		r.detail(t, d.Type, value)
	}
}

func (r *reply) readGRPC(t *testing.T, s speaker, res *http.Response, data []byte) {
	t.Helper()
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, strings.TrimSuffix(s.contentType, "+proto")) {
		t.Errorf("%s: content type %q", s.name, got)
	}
	if s.text {
		decoded, err := base64.StdEncoding.DecodeString(string(data))
		if err != nil {
			t.Fatalf("not base64: %q", data)
		}
		data = decoded
	}
	trailer := res.Trailer
	if res.Header.Get("Grpc-Status") != "" {
		trailer = res.Header
	}
	r.body = nil
	for len(data) >= 5 {
		n := 5 + int(binary.BigEndian.Uint32(data[1:5]))
		if data[0]&0x80 != 0 {
			trailer = make(http.Header)
			for _, line := range strings.Split(strings.TrimSpace(string(data[5:n])), "\r\n") {
				name, value, _ := strings.Cut(line, ":")
				trailer.Set(name, strings.TrimSpace(value))
			}
		} else {
			r.body = data[5:n]
		}
		data = data[n:]
	}
	code, err := strconv.Atoi(trailer.Get("Grpc-Status"))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: HTTP %d, trailers %v, header %v", s.name, res.StatusCode, trailer, res.Header)
	}
	r.code = connect.Code(code)
	r.message, _ = url.PathUnescape(trailer.Get("Grpc-Message"))
	if bin := trailer.Get("Grpc-Status-Details-Bin"); bin != "" {
		raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(bin, "="))
		if err != nil {
			t.Fatal(err)
		}
		var st status.Status
		if err := proto.Unmarshal(raw, &st); err != nil {
			t.Fatal(err)
		}
		for _, d := range st.GetDetails() {
			r.detail(t, d.GetTypeUrl(), d.GetValue())
		}
	}
}

func (r *reply) detail(t *testing.T, typeURL string, value []byte) {
	t.Helper()
	var d zitadelv1.ErrorDetail
	var v validate.Violations
	var err error
	switch typeURL[strings.LastIndex(typeURL, "/")+1:] {
	case "zitadel.v1.ErrorDetail":
		err = proto.Unmarshal(value, &d)
		r.id = d.GetId()
	case "buf.validate.Violations":
		err = proto.Unmarshal(value, &v)
		r.violations = v.GetViolations()
	default:
		t.Errorf("unexpected detail %s", typeURL)
	}
	if err != nil {
		t.Fatal(err)
	}
}
