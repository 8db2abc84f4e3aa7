package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

func TestCallWithEachCredential(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		file := func(name string) string { return filepath.Join(s.DataDir, name) }
		env := []string{"BASTIDE_URL=" + s.URL, "BASTIDE_DATA_DIR=" + t.TempDir()}
		const me = "auth.v1.AuthService/GetMyUser"
		for name, got := range map[string]outcome{
			"file":                        bastide(t, env, "call", me, "--token-file", file("owner.pat")),
			"standard input":              bastideWith(t, s.OwnerToken+"\n", env, "call", me, "--token-file", "-"),
			"flag":                        bastide(t, env, "call", me, "--token", s.OwnerToken),
			"variable":                    bastide(t, append(env, "BASTIDE_TOKEN="+s.OwnerToken), "call", me),
			"flag before variable":        bastide(t, append(env, "BASTIDE_TOKEN=wrong"), "call", me, "--token", s.OwnerToken),
			"other flag before variable":  bastide(t, append(env, "BASTIDE_TOKEN=wrong"), "call", me, "--key-file", file("owner.key.json")),
			"key file":                    bastide(t, env, "call", me, "--key-file", file("owner.key.json")),
			"key file by gRPC":            bastide(t, env, "call", me, "--key-file", file("owner.key.json"), "--protocol", "grpc"),
			"data directory by its IP":    run("call", me, "--url", strings.Replace(s.URL, "localhost", "127.0.0.1", 1)),
			"key by the IP of the server": run("call", me, "--key-file", file("owner.key.json"), "--url", strings.Replace(s.URL, "localhost", "127.0.0.1", 1)),
		} {
			if got.code != exitOK || userName(t, got) != "owner" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		const list = "system.v1.SystemService/ListInstances"
		for name, got := range map[string]outcome{
			"system key":                     bastide(t, env, "call", list, "--system-key", file("system.key.pem"), "--user", "system"),
			"that of the data directory":     run("call", list),
			"by the short name":              run("call", "SystemService/ListInstances"),
			"that of it, by the server's IP": run("call", list, "--url", strings.Replace(s.URL, "localhost", "127.0.0.1", 1)),
		} {
			if result, _ := answerOf(t, got)["result"].([]any); len(result) != 1 {
				t.Errorf("%s: %+v", name, got)
			}
		}
		got := bastide(t, env, "call", me, "--anonymous")
		if got.code != exitFailed || !strings.HasPrefix(got.stderr, "bastide: unauthenticated (") {
			t.Errorf("anonymous: %+v", got)
		}
	})
}

func TestCallWithoutAServer(t *testing.T) {
	dir := t.TempDir()
	env := []string{"BASTIDE_DATA_DIR=" + dir}
	call := []string{"call", "auth.v1.AuthService/GetMyUser", "--listen", "127.0.0.1:1"}
	if got := bastide(t, env, call...); got.code != exitFailed || !strings.Contains(got.stderr, filepath.Join(dir, "owner.pat")) || !strings.Contains(got.stderr, "--data-dir") {
		t.Errorf("without a token: %+v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "owner.pat"), []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := bastide(t, env, append(call, "--token", "token")...)
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "no server runs on the data directory "+dir+", and none answers at http://localhost:1: start it") {
		t.Errorf("%+v", got)
	}
	got = bastide(t, env, "call", "auth.v1.AuthService/GetMyUser", "--listen", ":0")
	if got.code != exitFailed || !strings.Contains(got.stderr, "--url") {
		t.Errorf("without a port: %+v", got)
	}
	got = bastide(t, env, "call", "auth.v1.AuthService/GetMyUser", "--url", "http://localhost:1", "--token", "token")
	if got.code != exitFailed || !strings.Contains(got.stderr, "unavailable") {
		t.Errorf("of a URL: %+v", got)
	}
}
