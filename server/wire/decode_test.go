package wire

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
)

func TestSplitAuthority(t *testing.T) {
	for _, test := range []struct {
		in, host, port string
		ok             bool
	}{
		{"example.com", "example.com", "", true},
		{"Example.COM:0443", "example.com", "443", true},
		{"example.com.", "example.com", "", true},
		{"example.com:", "example.com", "", true},
		{"example.com:http", "example.com", "", true},
		{"example.com:99999", "example.com", "", true},
		{"my_host", "my_host", "", true},
		{"BÜCHER.example:80", "xn--bcher-kva.example", "80", true},
		{"bücher。example", "xn--bcher-kva.example", "", true},
		{"192.0.2.1:80", "192.0.2.1", "80", true},
		{"::1", "::1", "", true},
		{"[::1]", "::1", "", true},
		{"[0::0:1]:80", "::1", "80", true},
		{"[fe80::1%eth0]:80", "", "", false},
		{"", "", "", false},
		{".", "", "", false},
		{":80", "", "", false},
		{"a b", "", "", false},
		{"a/b", "", "", false},
		{"a@b", "", "", false},
		{"a\"b", "", "", false},
		{"[a]:b:c", "", "", false},
		{"ex\u00ad\u2028ample", "", "", false},
		{"\xff\xfe", "", "", false},
		{strings.Repeat("a", 254), "", "", false},
	} {
		host, port, ok := splitAuthority(test.in)
		if ok != test.ok || ok && (host != test.host || port != test.port) {
			t.Errorf("%q: %q %q %v", test.in, host, port, ok)
		}
	}
}

func TestDecodeText(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"YWJj":             "abc",
		"YWI=":             "ab",
		"YQ==":             "a",
		"YQ==YWI=YWJjYQ==": "aababca",
		"YWJj\r\n":         "abc",
	} {
		if got, err := decodeText([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"Y", "YWJ", "YQ", "Y===", "====", "YQ=a", "Y*Jj", "YWJjYQ", "YR=="} {
		if got, err := decodeText([]byte(in)); err == nil {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestCodecRefuses(t *testing.T) {
	for name, test := range map[string]struct{ in, names string }{
		"trailing value":       {`{} {}`, ""},
		"trailing letter":      {`{}x`, ""},
		"duplicate":            {`{"instanceName":"a","instanceName":"b"}`, "instanceName"},
		"duplicate, two names": {`{"instanceName":"a","instance_name":"b"}`, "instance_name"},
		"duplicate null":       {`{"instanceName":null,"instanceName":"b"}`, "instanceName"},
		"duplicate within":     {`{"machine":{"name":"a","name":"b"}}`, "name"},
		"oneof":                {`{"human":{},"machine":{}}`, "machine"},
		"number for a string":  {`{"instanceName":1}`, "instanceName"},
		"string for a message": {`{"machine":"x"}`, ""},
		"list for a string":    {`{"instanceName":["a"]}`, "instanceName"},
		"bad date":             {`{"machine":{"machineKey":{"expirationDate":"tomorrow"}}}`, ""},
		"null":                 {`null`, ""},
		"list":                 {`[]`, ""},
		"not UTF-8":            {"{\"instanceName\":\"\xff\"}", ""},
		"lone surrogate":       {`{"instanceName":"\ud800"}`, ""},
	} {
		err := jsonCodec{}.Unmarshal([]byte(test.in), new(systemv1.CreateInstanceRequest))
		if err == nil || !strings.Contains(err.Error(), test.names) || strings.Contains(err.Error(), "proto:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]string{
		"overflow": `{"query":{"limit":4294967296}}`, "negative": `{"query":{"limit":-1}}`, "fraction": `{"query":{"limit":1.5}}`,
	} {
		err := jsonCodec{}.Unmarshal([]byte(in), new(adminv1.ListIAMMembersRequest))
		if err == nil || !strings.Contains(err.Error(), "limit") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCodecAccepts(t *testing.T) {
	want := &adminv1.ListIAMMembersRequest{}
	for _, in := range []string{``, `{}`, ` {} `, `{"unknown":{"a":[1]}}`, `{"query":null}`} {
		got := &adminv1.ListIAMMembersRequest{}
		if err := (jsonCodec{}).Unmarshal([]byte(in), got); err != nil || !proto.Equal(got, want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	if (jsonCodec{}).Name() != "json" {
		t.Error("the codec has another name than content types")
	}
	if _, err := (jsonCodec{}).Marshal("x"); err == nil {
		t.Error("marshals what is no message")
	}
	if err := (jsonCodec{}).Unmarshal(nil, "x"); err == nil {
		t.Error("unmarshals into what is no message")
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"instanceName":"a","machine":{"name":"x","machineKey":{"expirationDate":"2030-01-01T00:00:00Z"}}}`,
		`{"instance_name":"a","instanceName":"b"}`, `{"human":{},"machine":{}}`, `{"x":[[[{}]]]}`, `{"instanceName":"\u0000"}`, `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(systemv1.CreateInstanceRequest)
		if err := (jsonCodec{}).Unmarshal(data, m); err != nil {
			if err.Error() == "" || strings.HasPrefix(err.Error(), "proto:") {
				t.Errorf("error %q", err)
			}
			return
		}
		out, err := jsonCodec{}.Marshal(m)
		if err != nil {
			t.Fatalf("%q was read and can not be written: %v", data, err)
		}
		again := new(systemv1.CreateInstanceRequest)
		if err := (jsonCodec{}).Unmarshal(out, again); err != nil || !proto.Equal(m, again) {
			t.Errorf("%q became %q: %v", data, out, err)
		}
		if err := (jsonCodec{}).Unmarshal(append(data, '}'), again); len(data) > 0 && err == nil {
			t.Errorf("%q is read with a brace after it", data)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"example.com:80", "[::1]:80", "BÜCHER.example", "xn--a", "a..b", "[", "::", "%", "1.2.3.4", "。"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		host, port, ok := splitAuthority(authority)
		if !ok {
			return
		}
		if host == "" || len(host) > maxHost || host != strings.ToLower(host) || strings.ContainsAny(host, "/@?#[]\\\"'<> ") {
			t.Errorf("%q: host %q", authority, host)
		}
		if strings.Trim(port, "0123456789") != "" || len(port) > 5 {
			t.Errorf("%q: port %q", authority, port)
		}
		for i := range len(host) {
			if host[i] >= 0x80 {
				t.Errorf("%q: host %q is not ASCII", authority, host)
			}
		}
		if again, _, ok := splitAuthority(host); !strings.HasSuffix(host, ".") && (!ok || again != host) {
			t.Errorf("%q: host %q becomes %q", authority, host, again)
		}
	})
}

func FuzzWebText(f *testing.F) {
	for _, seed := range []string{"", "AAAAAAA=", "YQ==YQ==", "====", "AAAAAAAB", "YQ==\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := base64.StdEncoding.EncodeToString(data)
		// Whole, and cut into two chunks with their own padding.
		cut := len(data) / 2
		chunks := base64.StdEncoding.EncodeToString(data[:cut]) + base64.StdEncoding.EncodeToString(data[cut:])
		for _, in := range []string{text, chunks} {
			if got, err := decodeText([]byte(in)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%q: %q, %v", in, got, err)
			}
		}
		if got, err := decodeText(bytes.Clone(data)); err == nil && len(got) > len(data) {
			t.Errorf("%q grew to %q", data, got)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte{}, true)
	f.Add([]byte{0, 0, 0, 0, 1, 'x'}, false)
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff}, true)
	f.Fuzz(func(t *testing.T, data []byte, may bool) {
		message, compressed, err := unwrap(data, may)
		if err != nil {
			return
		}
		if compressed && !may {
			t.Error("compressed without a header")
		}
		if again := wrap(message); !bytes.Equal(again[1:], data[1:]) {
			t.Errorf("%q became %q", data, again)
		}
	})
}
