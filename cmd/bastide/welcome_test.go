package main

import (
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server"
)

func welcomeOf(t *testing.T, c server.Config) welcome {
	t.Helper()
	c, err := c.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return welcome{config: c, url: c.ExternalURL(), program: "go run ./cmd/bastide", directory: "/home/me"}
}

func TestWelcomeOfTheFirstRun(t *testing.T) {
	text := welcomeOf(t, server.Config{}).first()
	for _, want := range []string{
		"http://localhost:8080\n",
		"\n  bastide-data/master.key      ", "\n  bastide-data/system.key.pem  ", "\n  bastide-data/owner.pat       ", "\n  bastide-data/owner.key.json  ",
		"\n" + `  curl -H "Authorization: Bearer $(cat bastide-data/owner.pat)" http://localhost:8080/auth/v1/users/me` + "\n",
		`"Authorization: Bearer $(go run ./cmd/bastide system-token)"`,
		`"customDomain":"acme.localhost"`, " http://localhost:8080/system/v1/instances/_create ",
		" http://acme.localhost:8080/admin/v1/instances/me\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	short := welcomeOf(t, server.Config{}).short()
	if strings.Count(short, "\n") > 2 || !strings.Contains(short, "http://localhost:8080") || !strings.Contains(short, "bastide-data") {
		t.Errorf("the short form is\n%s", short)
	}
}

func TestWelcomeHidesTheDatabase(t *testing.T) {
	w := welcomeOf(t, server.Config{Database: "postgres://bastide:Tr0ub4dor@db/bastide"})
	if text := w.first() + w.short(); strings.Contains(text, "Tr0ub4dor") || !strings.Contains(text, "PostgreSQL") {
		t.Error(text)
	}
}

// wordsOf runs a line in bash with a curl that prints its words instead.
func wordsOf(t *testing.T, line string) []string {
	t.Helper()
	const stubs = "curl() { printf '%s\\n' \"$@\"; }\ncat() { printf 'cat:%s' \"$*\"; }\nsed() { printf 'sed:%s' \"$3\"; }\ntee() { command cat; echo \"tee:$1\"; }\nprogram() { printf '%s' \"$*\"; }\n"
	output, err := exec.Command("bash", "-euc", stubs+line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.Split(strings.TrimSpace(string(output)), "\n")
}

func TestWelcomeLinesSurviveTheShell(t *testing.T) {
	w := welcomeOf(t, server.Config{DataDir: "/home/me/it's $HOME", Listen: "127.0.0.1:9000", ExternalDomain: "id.example.com"})
	w.program, w.configFile = "program", "/etc/my bastide.yaml"
	lines := w.lines()
	for i, want := range [][]string{
		{"Authorization: Bearer cat:it's $HOME/owner.pat", "http://id.example.com:9000/auth/v1/users/me"},
		{
			"Authorization: Bearer system-token --config /etc/my bastide.yaml --data-dir it's $HOME --audience http://id.example.com:9000",
			`{"instanceName":"ACME","customDomain":"acme.id.example.com","machine":{"userName":"owner","name":"Owner","personalAccessToken":{}}}`,
			"http://id.example.com:9000/system/v1/instances/_create", "tee:it's $HOME/acme.json",
		},
		{"Authorization: Bearer sed:it's $HOME/acme.json", "Host: acme.id.example.com", "http://id.example.com:9000/admin/v1/instances/me"},
	} {
		words := wordsOf(t, lines[i])
		for _, word := range want {
			if !slices.Contains(words, word) {
				t.Errorf("line %d has no word %q: %q", i+1, word, words)
			}
		}
	}
}

func TestWelcomeTakesTheTokenOutOfTheAnswer(t *testing.T) {
	for _, answer := range []string{`{"instanceId":"1","pat":"secret-1"}`, `{"pat": "secret-1", "instanceId": "1"}`} {
		w := welcomeOf(t, server.Config{DataDir: t.TempDir()})
		if err := exec.Command("bash", "-c", "printf %s '"+answer+"' > "+w.inData("acme.json")).Run(); err != nil {
			t.Fatal(err)
		}
		output, err := exec.Command("bash", "-c", "curl() { echo \"$2\"; }\n"+w.lines()[2]).Output()
		if err != nil || string(output) != "Authorization: Bearer secret-1\n" {
			t.Errorf("%v: %s", err, output)
		}
	}
}

func TestWelcomeTrustsItsOwnCertificate(t *testing.T) {
	w := welcomeOf(t, server.Config{TLSCert: "my cert.pem", TLSKey: "key.pem"})
	words := wordsOf(t, w.lines()[2])
	for _, word := range []string{"--cacert", "my cert.pem", "Host: acme.localhost", "https://localhost:8080/admin/v1/instances/me"} {
		if !slices.Contains(words, word) {
			t.Errorf("no word %q: %q", word, words)
		}
	}
}

func TestProgramLine(t *testing.T) {
	info := &debug.BuildInfo{Path: "github.com/bastide-id/bastide/cmd/bastide"}
	cached := "/home/me/.cache/go-build/01/01e786d030f64424e8ed5755e2bafea4203d062fbf17a3e17fccb341928b863c-d/bastide"
	for name, want := range map[string]string{
		"bastide":                               "bastide",
		"./bin/bastide":                         "./bin/bastide",
		"/opt/my apps/bastide":                  "'/opt/my apps/bastide'",
		"/tmp/go-build181/b001/exe/bastide":     "go run " + info.Path,
		cached:                                  "go run " + info.Path,
		strings.Replace(cached, "go-", "my", 1): "go run " + info.Path,
	} {
		if got := programLine(name, info); got != want {
			t.Errorf("%s is called by %s", name, got)
		}
	}
	t.Chdir("../..")
	if got := programLine(cached, info); got != "go run ./cmd/bastide" {
		t.Errorf("in the source tree it is called by %s", got)
	}
}
