package wire_test

import (
	"bytes"
	"strings"
	"testing"
)

func TestAllIsWell(t *testing.T) {
	f := start(t, nil)
	for _, s := range speakers {
		for _, zip := range []bool{false, true} {
			r := addMachine()
			r.gzip = zip
			got := s.send(t, f, r)
			if got.code != 0 || !bytes.Contains(got.body, []byte("u9")) {
				t.Errorf("%s: %+v %q", s.name, got, got.body)
			}
			if f.services.machine.GetUserName() != "robot" || f.services.organization != "o1" {
				t.Errorf("%s: %v in %q", s.name, f.services.machine, f.services.organization)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: Cache-Control %q", s.name, got.header.Get("Cache-Control"))
			}
			if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], "code=ok") || !strings.Contains(lines[0], "instance=i1") {
				t.Errorf("%s: %q", s.name, lines)
			}
		}
		got := s.send(t, f, getMyUser())
		if got.code != 0 || !bytes.Contains(got.body, []byte("u1")) {
			t.Errorf("%s: %+v %q", s.name, got, got.body)
		}
		f.logs.take()
	}
}
