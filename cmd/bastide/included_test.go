package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

func TestCallIncludesTheHeaders(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		for protocol, form := range map[string]string{
			"connect":  `^HTTP/1\.1 200 OK\n([A-Z].*\n)*Content-Type: application/proto\n([A-Z].*\n)*\n$`,
			"grpc-web": `^HTTP/1\.1 200 OK\n([A-Z].*\n)*Content-Type: application/grpc-web\+proto\n([A-Z].*\n)*\n$`,
			"grpc":     `^HTTP/2\.0 200 OK\n([A-Z].*\n)*Content-Type: application/grpc\+?\w*\n([A-Z].*\n)*Grpc-Status: 0\n\n$`,
		} {
			got := run("call", "AuthService/GetMyUser", "-i", "--protocol", protocol)
			if !regexp.MustCompile(form).MatchString(got.stderr) {
				t.Errorf("%s: %s", protocol, got.stderr)
			}
			got.stderr = ""
			if name := userName(t, got); name != "owner" {
				t.Errorf("%s: the user is %v", protocol, name)
			}
		}
		// What a key is exchanged for is answered under another path.
		got := run("call", "ManagementService/AddMachineUser", "--include", "-d", `{"userName":"bot","name":"Bot"}`, "--key-file", s.DataDir+"/owner.key.json")
		if got.code != exitOK || strings.Count(got.stderr, "HTTP/") != 1 || !strings.Contains(got.stderr, "\nX-Bastide-Position: ") {
			t.Errorf("a change: %+v", got)
		}
		key, err := os.ReadFile(filepath.Join(s.DataDir, "owner.key.json"))
		if err != nil {
			t.Fatal(err)
		}
		another := regexp.MustCompile(`"keyId": *"\d+"`).ReplaceAllString(string(key), `"keyId":"1"`)
		got = run("call", "AuthService/GetMyUser", "-i", "--key-file", write(t, "key.json", another))
		if got.code != exitFailed || strings.Contains(got.stderr, "HTTP/") || !strings.Contains(got.stderr, "bastide: unauthenticated") {
			t.Errorf("a key that is exchanged for nothing: %+v", got)
		}
		got = run("call", "ManagementService/ListUsers", "--all", "--include", "-d", `{"query":{"limit":1}}`)
		if got.code != exitOK || strings.Count(got.stderr, "HTTP/") != 2 || strings.Count(got.stderr, "\nX-Bastide-Next-Page-Token: ") != 1 {
			t.Errorf("a list of two pages: %+v", got)
		}
		got = run("call", "ManagementService/GetUserByID", "-i", "-d", `{"id":"1"}`)
		if got.code != exitFailed || !strings.HasPrefix(got.stderr, "HTTP/1.1 404 Not Found\n") || !strings.Contains(got.stderr, "\n\nbastide: not_found (") {
			t.Errorf("an error: %+v", got)
		}
	})
	got := bastide(t, nil, "call", "AuthService/GetMyUser", "-i", "--url", "http://localhost:1", "--token", "token")
	if got.code != exitFailed || strings.Contains(got.stderr, "HTTP/") {
		t.Errorf("without an answer: %+v", got)
	}
}
