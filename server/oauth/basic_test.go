package oauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// Whatever a header holds, what is read of it is what was put in, and nothing
// that no client can be called.
func FuzzParseBasic(f *testing.F) {
	for _, text := range []string{"a:b", "a%3Ab:c+d", "%zz:b", ":", "a", "a:b:c", "\x00:b", "\xff:b", "a:%00"} {
		f.Add("Basic " + base64.StdEncoding.EncodeToString([]byte(text)))
	}
	f.Add("basic  YTpi")
	f.Add("Basic YTpiZ9==")
	f.Add("Bearer YTpi")
	f.Fuzz(func(t *testing.T, header string) {
		clientID, secret, ok := parseBasic(header)
		if !ok {
			if clientID != "" || secret != "" {
				t.Errorf("%q is refused and read as %q and %q", header, clientID, secret)
			}
			return
		}
		if !isClientID(clientID) || secret == "" || !isText(secret) || len(header) > maxBasic || !strings.EqualFold(header[:6], "basic ") {
			t.Errorf("%q is read as %q and %q", header, clientID, secret)
		}
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID)+":"+url.QueryEscape(secret)))
		if len(again) > maxBasic {
			return
		}
		if id, s, ok := parseBasic(again); !ok || id != clientID || s != secret {
			t.Errorf("%q and %q are read back as %q and %q", clientID, secret, id, s)
		}
	})
}
