package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
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
