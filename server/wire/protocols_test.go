package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
)

// speaker is a protocol as a client speaks it, byte by byte.
type speaker struct {
	name        string
	contentType string
	json        bool
	enveloped   bool
	text        bool
	h2          bool
	rest        bool
}

var speakers = []speaker{
	{name: "connect json", contentType: "application/json", json: true},
	{name: "connect proto", contentType: "application/proto", h2: true},
	{name: "grpc", contentType: "application/grpc", enveloped: true, h2: true},
	{name: "grpc-web", contentType: "application/grpc-web+proto", enveloped: true},
	{name: "grpc-web-text", contentType: "application/grpc-web-text+proto", enveloped: true, text: true},
	{name: "rest", contentType: "application/json", json: true, rest: true},
}

// request is a call to be sent, and ways to spoil it.
type request struct {
	procedure string
	verb      string // of REST
	path      string // of REST
	message   proto.Message
	json      string // instead of the message where the protocol is JSON
	proto     []byte // instead of the message where it is not
	token     string
	host      string
	header    http.Header
	raw       []byte // instead of the whole body
	gzip      bool
}

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

func clientOf(h2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2)
	protocols.SetUnencryptedHTTP2(h2)
	return &http.Client{Transport: &http.Transport{Protocols: protocols, DisableCompression: true}}
}

var (
	client1 = clientOf(false)
	client2 = clientOf(true)
)

// send makes the call and reads the answer in the form that the protocol has.
func (s speaker) send(t *testing.T, f *fixture, r request) reply {
	t.Helper()
	body := s.body(t, r)
	verb, path := http.MethodPost, r.procedure
	if s.rest && r.path != "" {
		verb, path = r.verb, r.path
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, verb, "http://"+f.addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", s.contentType)
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.gzip {
		req.Header.Set(s.encodingHeader(), "gzip")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Host = ownHost
	if r.host != "" {
		req.Host = r.host
	}
	client := client1
	if s.h2 {
		client = client2
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return s.reply(t, res, data)
}

func (s speaker) encodingHeader() string {
	if s.enveloped {
		return "Grpc-Encoding"
	}
	return "Content-Encoding"
}

func (s speaker) body(t *testing.T, r request) []byte {
	t.Helper()
	if r.raw != nil {
		return r.raw
	}
	var data []byte
	var err error
	switch {
	case s.json && r.json != "":
		data = []byte(r.json)
	case !s.json && r.proto != nil:
		data = r.proto
	case r.message == nil:
	case s.json:
		data, err = protojson.Marshal(r.message)
	default:
		data, err = proto.Marshal(r.message)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.gzip {
		data = zipped(data)
	}
	if s.enveloped {
		flag := byte(0)
		if r.gzip {
			flag = 1
		}
		data = frame(flag, data)
	}
	if s.text {
		data = []byte(base64.StdEncoding.EncodeToString(data))
	}
	return data
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func frame(flag byte, data []byte) []byte {
	out := append([]byte{flag}, binary.BigEndian.AppendUint32(nil, uint32(len(data)))...)
	return append(out, data...)
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
