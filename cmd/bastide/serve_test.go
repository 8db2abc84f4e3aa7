package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// started is a server in this process.
type started struct {
	greeting string
	url      string
	stop     func() outcome
}

// start runs serve on a free port and returns once its greeting is complete,
// which is after it listens.
func start(t *testing.T, args ...string) started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	reader, writer := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"bastide", "serve", "--listen", "127.0.0.1:0"}, args...), nil, nil, writer, &stderr)
		_ = writer.Close()
	}()
	s := started{}
	s.greeting = readGreeting(t, reader, &stderr)
	s.url = urlOf(s.greeting)
	s.stop = func() outcome {
		cancel()
		return outcome{code: <-code, stdout: s.greeting, stderr: stderr.String()}
	}
	return s
}

func urlOf(greeting string) string {
	line, _, _ := strings.Cut(greeting, "\n")
	return strings.TrimPrefix(line, "Bastide is running at ")
}

// readGreeting reads up to the line that both forms of the greeting end with.
func readGreeting(t *testing.T, output io.Reader, stderr *bytes.Buffer) string {
	t.Helper()
	var text strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl-C stops") {
			return text.String()
		}
	}
	t.Fatalf("the server ended: %s%s", text.String(), stderr)
	return ""
}

func TestServeFirstAndSecondRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, "--data-dir", dir)
	token, err := os.ReadFile(filepath.Join(dir, "owner.pat"))
	if err != nil {
		t.Fatal(err)
	}
	if status := getMyUser(t, first.url, string(token)); status != http.StatusOK {
		t.Errorf("the owner's token answers %d", status)
	}

	locked := bastide(t, nil, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	if locked.code != exitFailed || locked.stdout != "" || !strings.Contains(locked.stderr, dir) || !strings.Contains(locked.stderr, first.url) {
		t.Errorf("a second server on the data directory: %+v", locked)
	}
	migrated := bastide(t, nil, "migrate", "--data-dir", dir)
	if migrated.code != exitOK || !strings.Contains(migrated.stdout, "running server") {
		t.Errorf("migrate beside the server: %+v", migrated)
	}

	got := first.stop()
	if got.code != exitOK || !strings.Contains(got.stdout, "first run") {
		t.Errorf("%+v", got)
	}
	secrets := secretsIn(t, dir)
	second := start(t, "--data-dir", dir)
	if status := getMyUser(t, second.url, string(token)); status != http.StatusOK {
		t.Errorf("after a restart the owner's token answers %d", status)
	}
	again := second.stop()
	if again.code != exitOK || strings.Contains(again.stdout, "first run") || strings.Count(again.stdout, "\n") > 2 {
		t.Errorf("%+v", again)
	}
	for name, secret := range secretsIn(t, dir) {
		if secrets[name] != secret {
			t.Errorf("the second run changed %s", name)
		}
		if output := got.stdout + got.stderr + again.stdout + again.stderr; strings.Contains(output, secret) {
			t.Errorf("%s is in the output: %s", name, output)
		}
	}
	if migrated := bastide(t, nil, "migrate", "--data-dir", dir); migrated.code != exitOK || !strings.Contains(migrated.stdout, "version 2") {
		t.Errorf("migrate on existing data: %+v", migrated)
	}
}

// getMyUser calls as the owner and returns the status.
func getMyUser(t *testing.T, url, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/auth/v1/users/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// secretsIn returns the secrets of a data directory, and sees that nobody else
// can read them.
func secretsIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	secrets := map[string]string{}
	for _, name := range []string{"master.key", "system.key.pem", "owner.pat", "owner.key.json"} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %s", name, info.Mode())
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = strings.TrimSpace(string(content))
	}
	return secrets
}

func TestServeOnATakenPort(t *testing.T) {
	taken := start(t, "--data-dir", t.TempDir())
	port := taken.url[strings.LastIndex(taken.url, ":")+1:]
	got := bastide(t, nil, "serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:"+port)
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "--listen") {
		t.Errorf("a taken port: %+v", got)
	}
	if got := taken.stop(); got.code != exitOK {
		t.Errorf("%+v", got)
	}
}

func TestServeStoppedWhileItStarts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	args := []string{"bastide", "serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}
	env := []string{"BASTIDE_LOG_FORMAT=json"}
	if code := run(ctx, args, env, nil, &stdout, &stderr); code != exitOK || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "{") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}

// program is the built program, running.
type program struct {
	command  *exec.Cmd
	dataDir  string
	greeting string
	stderr   *bytes.Buffer
}

// built is the directory that build makes, and TestMain removes.
var built string

// buildOnce builds the program and returns its path.
var buildOnce = sync.OnceValues(func() (string, error) {
	var err error
	if built, err = os.MkdirTemp("", "bastide-bin-"); err != nil {
		return "", err
	}
	path := filepath.Join(built, "bastide")
	if output, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
}

// build returns the path of the built program, the same for every test.
func build(t *testing.T) string {
	t.Helper()
	path, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func startProgram(t *testing.T, path string) program {
	t.Helper()
	p := program{dataDir: t.TempDir(), stderr: &bytes.Buffer{}}
	p.command = exec.CommandContext(t.Context(), path, "serve", "--data-dir", p.dataDir, "--listen", "127.0.0.1:0")
	p.command.Stderr = p.stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	p.greeting = readGreeting(t, stdout, p.stderr)
	return p
}

func (p program) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

func TestSignalsEndTheProgram(t *testing.T) {
	path := build(t)
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		p := startProgram(t, path)
		if !strings.Contains(p.greeting, path+" system-token") {
			t.Errorf("the lines do not call the program as it was started: %s", p.greeting)
		}
		p.signal(t, signal)
		if err := p.command.Wait(); err != nil {
			t.Errorf("%s: %v: %s", signal, err, p.stderr)
		}
	}

	p := startProgram(t, path)
	_, address, _ := strings.Cut(urlOf(p.greeting), "//localhost")
	address = "127.0.0.1" + address
	holdCall(t, address)
	p.signal(t, syscall.SIGTERM)
	for { // until the first signal has closed the port
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	p.signal(t, syscall.SIGTERM)
	err := p.command.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("a second signal does not end the program at once: %v: %s", err, p.stderr)
	}
}

// holdCall begins a call that does not end: the server waits for its body.
func holdCall(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "POST /zitadel.auth.v1.AuthService/Healthz HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%v: %s", err, line)
	}
}
