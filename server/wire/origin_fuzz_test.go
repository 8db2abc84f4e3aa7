package wire

import (
	"net/netip"
	"strings"
	"testing"
)

// Whatever a browser or somebody else sends as the origin of a page: it is read
// in one way only, and nothing but this machine passes for it.
func FuzzOrigin(f *testing.F) {
	for _, text := range []string{
		"http://localhost:3000", "https://app.example.com", "http://[::1]:8080", "HTTP://LOCALHOST", "null",
		"http://localhost.evil.example", "http://evil.example#localhost", "http://localhost@evil.example", "http://ä.localhost",
	} {
		f.Add(text)
	}
	local, err := ParseOrigins([]string{LocalOrigins})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, ok := parseOrigin(text)
		if !ok {
			if local.allow(text) {
				t.Errorf("%q is no origin, and passes for this machine", text)
			}
			return
		}
		if again, ok := parseOrigin(o.scheme + "://" + o.host + ":" + o.port); !ok || again != o {
			t.Errorf("%q is %v, and that is %v", text, o, again)
		}
		address, err := netip.ParseAddr(strings.Trim(o.host, "[]"))
		here := o.host == "localhost" || strings.HasSuffix(o.host, ".localhost") || err == nil && address.IsLoopback()
		if local.allow(text) && !here {
			t.Errorf("%q is at %s, and passes for this machine", text, o.host)
		}
	})
}
