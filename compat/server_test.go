// Package compat tests the built program with clients that others publish, as
// they are. Their generated code and ours cannot share a process, which is why
// this is a module of its own.
package compat

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/resolver"
)

// server is the program as it runs after its first run.
type server struct {
	url     *url.URL
	dataDir string
	// terraform is the key of a system user that also is IAM_OWNER everywhere.
	terraform *rsa.PrivateKey
}

// running is the server of all tests: each makes what it needs.
var running server

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "bastide-compat-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "bastide")
	build := exec.Command("go", "build", "-o", program, "./cmd/bastide")
	build.Dir, build.Stderr = "..", os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("the program cannot be built: %w", err)
	}
	running.dataDir = filepath.Join(dir, "data")
	config := filepath.Join(dir, "bastide.yaml")
	if running.terraform, err = addSystemUser(config); err != nil {
		return 1, err
	}
	serve := exec.Command(program, "serve", "--config", config, "--listen", "127.0.0.1:0", "--data-dir", running.dataDir)
	serve.Stderr = os.Stderr
	out, err := serve.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := serve.Start(); err != nil {
		return 1, err
	}
	defer func() {
		_ = serve.Process.Signal(syscall.SIGTERM)
		if ended := serve.Wait(); ended != nil && err == nil {
			code, err = 1, fmt.Errorf("the server ended with %w", ended)
		}
	}()
	if running.url, err = readURL(bufio.NewScanner(out)); err != nil {
		return 1, err
	}
	findHosts()
	return m.Run(), nil
}

// addSystemUser writes a configuration with a system user, and returns its key.
func addSystemUser(config string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	inline := strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), "\n", `\n`)
	return key, os.WriteFile(config, []byte(`
systemUsers:
  - name: terraform
    publicKey: "`+inline+`"
    memberships:
      - {type: System, roles: [SYSTEM_OWNER, IAM_OWNER]}
`), 0o600)
}

// findHosts lets every client of this process find the server by any host name,
// which many machines do not resolve.
func findHosts() {
	resolver.SetDefaultScheme("passthrough") // of gRPC: the dialer gets the name
	http.DefaultTransport.(*http.Transport).DialContext = dial
}

// dial reaches the server whatever the host.
func dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", running.url.Port()))
}

var printedURL = regexp.MustCompile(`http://localhost:\d+`)

// readURL returns the address that the program prints once it serves.
func readURL(lines *bufio.Scanner) (*url.URL, error) {
	for lines.Scan() {
		if found := printedURL.FindString(lines.Text()); found != "" {
			go func() { // what is printed later nobody reads
				for lines.Scan() {
				}
			}()
			return url.Parse(found)
		}
	}
	return nil, fmt.Errorf("the program printed no address: %w", lines.Err())
}

// file returns the text of a file that the first run left.
func (s server) file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dataDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
