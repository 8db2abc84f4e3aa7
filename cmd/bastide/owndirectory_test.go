package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

// stranger is who has the port of a server that is down. It counts what it is
// told with a credential, and without one.
type stranger struct {
	url, port          string
	trusted, untrusted atomic.Int32
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	s := &stranger{}
	listener := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			s.untrusted.Add(1)
		} else {
			s.trusted.Add(1)
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	listener.Config.Protocols = new(http.Protocols)
	listener.Config.Protocols.SetHTTP1(true)
	listener.Config.Protocols.SetUnencryptedHTTP2(true)
	listener.Start()
	t.Cleanup(listener.Close)
	address, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.port = address.Port()
	s.url = "http://localhost:" + s.port
	return s
}

// While the server of a data directory is down, anybody can have its port.
func TestSecretsOfADirectoryNeedItsServer(t *testing.T) {
	dir := servertest.Installed(t, servertest.SQLite).DataDir
	const owner, system, create = "call auth.v1.AuthService/GetMyUser", "call system.v1.SystemService/ListInstances", "instance create acme"
	for _, command := range []string{owner, system, create} {
		for name, flags := range map[string]func(s *stranger) []string{
			"listen":        func(s *stranger) []string { return []string{"--listen", "127.0.0.1:" + s.port} },
			"external port": func(s *stranger) []string { return []string{"--external-port", s.port} },
			"URL":           func(s *stranger) []string { return []string{"--listen", "127.0.0.1:" + s.port, "--url", s.url} },
			"gRPC":          func(s *stranger) []string { return []string{"--listen", "127.0.0.1:" + s.port, "--protocol", "grpc"} },
		} {
			s := newStranger(t)
			got := bastide(t, []string{"BASTIDE_DATA_DIR=" + dir}, append(strings.Fields(command), flags(s)...)...)
			if n, m := s.trusted.Load(), s.untrusted.Load(); n+m > 0 {
				t.Errorf("%s by %s: who has the port is told %d times with a credential, %d times without", command, name, n, m)
			}
			want := "--token-file"
			if command != owner {
				want = "--system-key"
			}
			if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "no server runs on the data directory "+dir) ||
				!strings.Contains(got.stderr, "--url") || !strings.Contains(got.stderr, want) {
				t.Errorf("%s by %s: %+v", command, name, got)
			}
		}
	}
}

// A server that listens and does not answer may be another one by now.
func TestSecretsOfADirectoryNeedAnAnswer(t *testing.T) {
	dir := adminSocket(t, "nothing")
	if err := os.WriteFile(filepath.Join(dir, "owner.pat"), []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStranger(t)
	got := bastide(t, nil, "call", "AuthService/GetMyUser", "--data-dir", dir, "--listen", "127.0.0.1:"+s.port)
	if n := s.trusted.Load(); n > 0 || got.code != exitFailed || !strings.Contains(got.stderr, "does not say where it is") {
		t.Errorf("%d calls: %+v", n, got)
	}
}

// What is named is sent to whom is named.
func TestNamedCredentialsNeedNoDirectory(t *testing.T) {
	dir := servertest.Installed(t, servertest.SQLite).DataDir
	env := []string{"BASTIDE_DATA_DIR=" + dir}
	for name, test := range map[string]struct {
		env  []string
		args string
	}{
		"variable":   {[]string{"BASTIDE_TOKEN=x"}, "call AuthService/GetMyUser"},
		"token":      {nil, "call AuthService/GetMyUser --token x"},
		"token file": {nil, "call AuthService/GetMyUser --token-file " + filepath.Join(dir, "owner.pat")},
		"system key": {nil, "call SystemService/ListInstances --system-key " + filepath.Join(dir, "system.key.pem")},
		"instance":   {nil, "instance create acme --system-key " + filepath.Join(dir, "system.key.pem")},
	} {
		s := newStranger(t)
		args := append(strings.Fields(test.args), "--listen", "127.0.0.1:"+s.port)
		if got := bastide(t, append(test.env, env...), args...); got.code != exitFailed || s.trusted.Load() == 0 {
			t.Errorf("%s: %d calls: %+v", name, s.trusted.Load(), got)
		}
	}
}
