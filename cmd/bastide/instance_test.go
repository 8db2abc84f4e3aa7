package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/server/servertest"
)

var (
	progressLine = regexp.MustCompile(`^Creating instance acme… done \(\d+ ms\)\n$`)
	tokenLine    = regexp.MustCompile(`\nToken +(bastide_pat_\S+)\n`)
)

func TestInstanceCreatePrintsTheTokenOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		got := run("instance", "create", "acme", "--domain", "Acme.localhost", "--org-name", "Acme Inc.", "--language", "de", "--owner", "root")
		if got.code != exitOK || !progressLine.MatchString(got.stderr) {
			t.Fatalf("%+v", got)
		}
		token := tokenLine.FindStringSubmatch(got.stdout)
		if token == nil || strings.Count(got.stdout, token[1]) != 1 || strings.Contains(got.stderr, token[1]) {
			t.Fatalf("%+v", got)
		}
		if first, second := strings.Index(got.stdout, "Domain    acme.localhost\n"), strings.Index(got.stdout, "Domain    acme-"); first < 0 || second < first {
			t.Errorf("the domains are not there, the primary one first: %s", got.stdout)
		}
		env := []string{"BASTIDE_DATA_DIR=" + s.DataDir, "BASTIDE_TOKEN=" + token[1]}
		if name := userName(t, bastide(t, env, "call", "AuthService/GetMyUser", "--host", "acme.localhost")); name != "root" {
			t.Errorf("by the host the owner is %v", name)
		}
		url := strings.Replace(s.URL, "localhost", "acme.localhost", 1)
		if name := userName(t, bastide(t, env, "call", "AuthService/GetMyUser", "--url", url, "--protocol", "grpc")); name != "root" {
			t.Errorf("by the URL the owner is %v", name)
		}
		org, _ := answerOf(t, bastide(t, env, "call", "ManagementService/GetMyOrg", "--host", "acme.localhost"))["org"].(map[string]any)
		if org["name"] != "Acme Inc." {
			t.Errorf("the organization is %v", org)
		}
		again := run("instance", "create", "acme", "--domain", "acme.localhost", "--save-token", filepath.Join(t.TempDir(), "pat"))
		if again.code != exitFailed || again.stdout != "" || !strings.Contains(again.stderr, "failed\nbastide: already_exists (domain.taken): ") {
			t.Errorf("%+v", again)
		}
	})
}

// The line that is printed works as it is, from where it was printed.
func TestInstanceCreateSavesSecrets(t *testing.T) {
	program := build(t)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		t.Chdir(t.TempDir())
		for name, flags := range map[string][]string{
			"token": {"--save-token", "my token.pat"},
			"key":   {"--save-key", "key.json"},
			"both":  {"--save-token", "both.pat", "--save-key", "both.json"},
		} {
			command := exec.CommandContext(t.Context(), program, append([]string{"instance", "create", name, "--data-dir", s.DataDir, "--domain", name + ".localhost"}, flags...)...)
			output, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			for i := 1; i < len(flags); i += 2 {
				content, err := os.ReadFile(flags[i])
				if err != nil {
					t.Fatal(err)
				}
				if info, err := os.Stat(flags[i]); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s has the mode %v, %v", flags[i], info.Mode(), err)
				}
				if secret := strings.TrimSpace(string(content)); secret == "" || strings.Contains(string(output), secret) {
					t.Errorf("%s is printed, or empty: %s", flags[i], output)
				}
			}
			if strings.Contains(string(output), "bastide_pat_") {
				t.Errorf("a token is printed that was not asked for: %s", output)
			}
			_, line, _ := strings.Cut(string(output), "\nCall it as its owner:\n")
			output, err = exec.CommandContext(t.Context(), "bash", "-euc", line).Output()
			if err != nil || !strings.Contains(string(output), `"userName": "owner"`) {
				t.Errorf("%v: %s: %s", err, line, output)
			}
		}
	})
}

func TestInstanceCreateForScripts(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	var made struct {
		InstanceID, Name, Owner, Token string
		Domains                        []string
	}
	got := programOn(t, s)("instance", "create", "acme", "--json", "--protocol", "grpc-web")
	if err := json.Unmarshal([]byte(got.stdout), &made); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	if made.InstanceID == "" || made.Name != "acme" || made.Owner != "owner" || len(made.Domains) != 1 || made.Token == "" {
		t.Errorf("%+v", made)
	}
	// A shell gives it on without a file.
	call := bastideWith(t, made.Token, nil, "call", "AuthService/GetMyUser", "--url", s.URL, "--host", made.Domains[0], "--token-file", "-")
	if name := userName(t, call); name != "owner" {
		t.Errorf("the owner is %v", name)
	}
}

// Both secrets expire when they are to, and say so.
func TestInstanceCreateWithSecretsThatExpire(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		dir := t.TempDir()
		for name, test := range map[string]struct {
			expires  string
			is       func(time.Time) bool
			wantText string
		}{
			"day":    {"2101-01-31", func(at time.Time) bool { return at.Equal(time.Date(2101, 1, 31, 0, 0, 0, 0, time.UTC)) }, "2101-01-31T00:00:00Z"},
			"moment": {"2101-01-31T01:00:00+02:00", func(at time.Time) bool { return at.Equal(time.Date(2101, 1, 30, 23, 0, 0, 0, time.UTC)) }, "2101-01-30T23:00:00Z"},
			"after": {"72000h", func(at time.Time) bool {
				return at.After(time.Now().Add(71000*time.Hour)) && at.Before(time.Now().Add(73000*time.Hour))
			}, "Z"},
		} {
			token, key := filepath.Join(dir, name+".pat"), filepath.Join(dir, name+".json")
			got := run("instance", "create", name, "--domain", name+".localhost", "--save-token", token, "--save-key", key, "--expires", test.expires)
			if got.code != exitOK || !regexp.MustCompile(`\nExpires +\S*`+test.wantText+`\n`).MatchString(got.stdout) {
				t.Fatalf("%s: %+v", name, got)
			}
			as := func(method, data string) []any {
				answer := answerOf(t, run("call", method, "-d", data, "--host", name+".localhost", "--token-file", token))
				result, _ := answer["result"].([]any)
				return result
			}
			me, _ := answerOf(t, run("call", "AuthService/GetMyUser", "--host", name+".localhost", "--key-file", key))["user"].(map[string]any)
			id, _ := me["id"].(string)
			secrets := append(as("ManagementService/ListPersonalAccessTokens", `{"userId":"`+id+`"}`), as("ManagementService/ListMachineKeys", `{"userId":"`+id+`"}`)...)
			if len(secrets) != 2 {
				t.Fatalf("%s: %v", name, secrets)
			}
			for _, secret := range secrets {
				text, _ := secret.(map[string]any)["expirationDate"].(string)
				if at, err := time.Parse(time.RFC3339, text); err != nil || !test.is(at) {
					t.Errorf("%s: it expires at %q, %v", name, text, err)
				}
			}
		}
		made := map[string]any{}
		got := run("instance", "create", "json", "--json", "--expires", "2101-01-31")
		if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || made["expires"] != "2101-01-31T00:00:00Z" {
			t.Errorf("%v: %+v", err, got)
		}
	})
}

func TestInstanceCreateForAPerson(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		got := run("instance", "create", "acme", "--email", "ada@acme.example", "--first-name", "Ada", "--last-name", "Lovelace",
			"--password-file", write(t, "password", "Tr0ub4dor&3\n"))
		if got.code != exitOK || !strings.Contains(got.stdout, "Owner     ada@acme.example\n") || strings.Contains(got.stdout, "Token") {
			t.Fatalf("%+v", got)
		}
		id := regexp.MustCompile(`^Instance +(\d+) `).FindStringSubmatch(got.stdout)
		members, _ := answerOf(t, run("call", "SystemService/ListIAMMembers", "-d", `{"instanceId":"`+id[1]+`"}`))["result"].([]any)
		if len(members) != 1 || members[0].(map[string]any)["displayName"] != "Ada Lovelace" {
			t.Errorf("%v", members)
		}
	})
}

func TestInstanceCreateMistakes(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	run := programOn(t, s)
	dir := t.TempDir()
	there := write(t, "there.pat", "precious")
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no name":            {nil, exitUsage, "<name>"},
		"empty name":         {[]string{""}, exitFailed, "the name: must be"},
		"no domain":          {[]string{"acme", "--domain", "a b"}, exitFailed, "--domain: must be a host name"},
		"no language":        {[]string{"acme", "--language", "!"}, exitFailed, "--language: "},
		"no address":         {[]string{"acme", "--email", "ada"}, exitFailed, "--first-name: must be"},
		"person of no name":  {[]string{"acme", "--first-name", "Ada"}, exitUsage, "--first-name: is for an owner who is a person"},
		"token of a person":  {[]string{"acme", "--email", "a@b.example", "--save-token", "x"}, exitUsage, "--email: an owner who is a person has no token"},
		"weak password":      {[]string{"acme", "--email", "a@b.example", "--first-name", "A", "--last-name", "B", "--password-file", there}, exitFailed, "--password-file: "},
		"no password file":   {[]string{"acme", "--email", "a@b.example", "--password-file", "/does/not/exist"}, exitFailed, "--password-file: open /does/not/exist"},
		"expires never":      {[]string{"acme", "--expires", "soon"}, exitUsage, `--expires: "soon" is no time: give one from now on such as 720h`},
		"expires at once":    {[]string{"acme", "--expires", "0s"}, exitUsage, "--expires: 0s is not in the future"},
		"expires before":     {[]string{"acme", "--expires=-1h"}, exitUsage, "--expires: -1h is not in the future"},
		"expires yesterday":  {[]string{"acme", "--expires", "2001-01-31"}, exitUsage, "--expires: 2001-01-31 is not in the future"},
		"expires on no day":  {[]string{"acme", "--expires", "2101-02-31"}, exitUsage, "--expires: "},
		"expiry of a person": {[]string{"acme", "--email", "a@b.example", "--expires", "1h"}, exitUsage, "--email: an owner who is a person has no token"},
		"file exists":        {[]string{"acme", "--save-token", there}, exitFailed, "--save-token: there is a file " + there + " already"},
		"two in one file":    {[]string{"acme", "--save-token", dir + "/x", "--save-key", dir + "/x"}, exitFailed, "--save-key: there is a file"},
		"no such directory":  {[]string{"acme", "--save-key", dir + "/none/x"}, exitFailed, "--save-key: open "},
		"refused":            {[]string{"", "--save-token", dir + "/x", "--save-key", dir + "/y"}, exitFailed, "the name: must be"},
		"no key":             {[]string{"acme", "--data-dir", dir}, exitFailed, "--system-key"},
		"unreadable key":     {[]string{"acme", "--system-key", there}, exitFailed, "--system-key: " + there + ": it is not PEM"},
		"another user's key": {[]string{"acme", "--system-key", write(t, "key.pem", privatePEM(t, ecKey(t)))}, exitFailed, "unauthenticated (auth.token_invalid): "},
		"a personal token":   {[]string{"acme", "--token", "x"}, exitUsage, "--token"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(append([]string{"instance", "create"}, test.args...)...)
			if got.code != test.code || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
				t.Errorf("want exit code %d and %q: %+v", test.code, test.want, got)
			}
			if strings.Contains(got.stderr, "precious") {
				t.Errorf("a secret is shown: %s", got.stderr)
			}
		})
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if content, err := os.ReadFile(there); err != nil || string(content) != "precious" {
		t.Errorf("the file that was there has %q, %v", content, err)
	}
	result, _ := answerOf(t, run("call", "SystemService/ListInstances"))["result"].([]any)
	if len(result) != 1 {
		t.Errorf("%d instances are there", len(result))
	}
}

// Where nobody knows whether the instance was made, the error says so.
func TestInstanceCreateThatMayHaveWorked(t *testing.T) {
	told := errors.New("told")
	for code, unsure := range map[connect.Code]bool{connect.CodeCanceled: true, connect.CodeDeadlineExceeded: true, connect.CodeUnavailable: true, connect.CodeAlreadyExists: false} {
		got := maybeMade(connect.NewError(code, errors.New("cause")), told)
		if !errors.Is(got, told) || strings.Contains(got.Error(), "may be there all the same") != unsure {
			t.Errorf("%s: %v", code, got)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "system.key.pem"), []byte(privatePEM(t, ecKey(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	got := bastide(t, nil, "instance", "create", "acme", "--data-dir", dir, "--listen", "127.0.0.1:1", "--system-key", filepath.Join(dir, "system.key.pem"))
	if got.code != exitFailed || !strings.Contains(got.stderr, "start it with bastide serve") || strings.Contains(got.stderr, "all the same") {
		t.Errorf("without a server: %+v", got)
	}
}
