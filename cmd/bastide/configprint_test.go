package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server"
)

func TestConfigPrintHidesPasswords(t *testing.T) {
	for _, address := range []string{
		"postgres://bastide:Tr0ub4dor@db/bastide?sslmode=disable",
		"postgres://db/bastide?user=bastide&password=Tr0ub4dor",
		"postgres://bastide:Tr0ub4dor@/bastide?host=/run/postgresql",
	} {
		got := bastide(t, []string{"BASTIDE_DATABASE=" + address}, "config", "print")
		if got.code != exitOK || strings.Contains(got.stdout+got.stderr, "Tr0ub4dor") {
			t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
		}
		if want := strings.ReplaceAll(address, "Tr0ub4dor", "redacted"); !strings.Contains(got.stdout, want) {
			t.Errorf("no %s in %s", want, got.stdout)
		}
	}
	for _, address := range []string{
		"postgres://db/x?pass%77ord=Tr0ub4dor",
		"postgres://db/x?p%61ss%77%6frd=%54r0ub4dor&sslmode=disable",
		"postgres://db/x?sslmode=disable;password=Tr0ub4dor",
		"postgres://db/x?sslmode=disable&sslpassword=Tr0ub4dor",
		"postgres://db/x?sslinline=true&sslkey=Tr0ub4dor",
		"postgres://db/x?options=-c%20my.secret%3DTr0ub4dor",
		"postgres://db/x?password=a&Tr0ub4dor",
		"postgres://db/x?password=a&Tr0ub4dor=b",
		"postgres://db/x?password=a%zzTr0ub4dor",
		"postgres://db/x?%zz=Tr0ub4dor",
		"postgres://db/x?password=a#Tr0ub4dor",
		"postgres:Tr0ub4dor?sslmode=disable",
		"postgres:///bastide:Tr0ub4dor@db/x?sslmode=disable",
	} {
		got := bastide(t, nil, "config", "print", "--database", address)
		text := got.stdout + got.stderr
		if plain, err := url.QueryUnescape(text); err == nil {
			text += plain
		}
		if strings.Contains(text, "Tr0ub4dor") {
			t.Errorf("%s: exit code %d: %s%s", address, got.code, got.stdout, got.stderr)
		}
		if got.code == exitOK && !strings.Contains(got.stdout, "redacted") {
			t.Errorf("%s is printed without a word on what is missing: %s", address, got.stdout)
		}
	}
	const harmless = "postgres://bastide@db:5432/bastide?sslmode=verify-full&sslrootcert=ca.pem&connect_timeout=5"
	if got := bastide(t, nil, "config", "print", "--database", harmless); !strings.Contains(got.stdout, harmless) {
		t.Errorf("an address without secrets is printed as %s", got.stdout)
	}
	for _, address := range []string{"postgres://bastide:Tr0ub4dor@db:port/x", "mysql://bastide:Tr0ub4dor@db/x", "Tr0ub4dor"} {
		got := bastide(t, nil, "config", "print", "--database", address)
		if got.code != exitUsage || strings.Contains(got.stdout+got.stderr, "Tr0ub4dor") {
			t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
		}
	}
}

func TestConfigPrintIsAFileForConfig(t *testing.T) {
	pem := publicPEM(t, ecKey(t).Public())
	dir := t.TempDir()
	config := write(t, "bastide.yaml", `
dataDir: "`+dir+`/a: b # c"
database: postgres://bastide@db/bastide
externalDomain: ID.Bücher.example
externalSecure: yes
maxListLimit: 50
trustedProxies: 10.0.0.0/8, ::1
callTimeout: 90s
logFormat: json
systemUsers:
  - name: ops
    publicKeyFile: `+write(t, "ops.pub.pem", pem)+`
    memberships:
      - {type: System, roles: [SYSTEM_OWNER, IAM_OWNER]}
      - {type: Instance, id: 312345678901234567, roles: [IAM_OWNER_VIEWER]}
  - {name: idle, publicKey: "`+strings.ReplaceAll(pem, "\n", `\n`)+`"}
`)
	first := bastide(t, nil, "config", "print", "--config", config)
	if first.code != exitOK {
		t.Fatal(first.stderr)
	}
	second := bastide(t, nil, "config", "print", "--config", write(t, "again.yaml", first.stdout))
	if second.code != exitOK || second.stdout != first.stdout {
		t.Errorf("exit code %d: %s\nfirst:\n%s\nsecond:\n%s", second.code, second.stderr, first.stdout, second.stdout)
	}
	for _, want := range []string{
		"externalDomain: id.xn--bcher-kva.example\n", "externalPort: 8080\n", "externalSecure: true\n", "defaultListLimit: 50\n", "callTimeout: 1m30s\n",
		"  - ::1/128\n", "name: ops\n", `id: "312345678901234567"`, "roles: [SYSTEM_OWNER, IAM_OWNER]\n", "name: idle\n",
	} {
		if !strings.Contains(first.stdout, want) {
			t.Errorf("no %q in\n%s", want, first.stdout)
		}
	}
}

// A cache can be turned off, unlike a limit.
func TestCacheSize(t *testing.T) {
	for flag, want := range map[string]string{"--cache-size=0": "cacheSize: 0\n", "--cache-size=7": "cacheSize: 7\n", "--log-level=info": "cacheSize: 10000\n"} {
		if got := bastide(t, nil, "config", "print", flag); got.code != exitOK || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: exit code %d, no %q: %s%s", flag, got.code, want, got.stdout, got.stderr)
		}
	}
	for size, want := range map[uint]int{0: -1, 7: 7} {
		var c server.Config
		memory{CacheSize: size}.apply(&c)
		if c.CacheSize != want {
			t.Errorf("%d is %d for the server", size, c.CacheSize)
		}
	}
}

// What config print accepts, serve accepts.
func TestConfigPrintRefusesWhatServeRefuses(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	for _, flag := range []string{"--call-timeout=0s", "--max-body-bytes=0", "--password-workers=0", "--drain-timeout=-1s", "--cache-size=-1", "--cache-size=99999999999", "--listen=x", "--data-dir=" + long} {
		name, _, _ := strings.Cut(flag, "=")
		for _, command := range [][]string{{"serve"}, {"config", "print"}} {
			got := bastide(t, nil, append(command, flag)...)
			if got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, name) {
				t.Errorf("%v %s: exit code %d: %s%s", command, flag, got.code, got.stdout, got.stderr)
			}
		}
	}
	if _, err := os.Stat(long); err == nil {
		t.Error("a data directory was made that nobody can use")
	}
	got := bastide(t, []string{"BASTIDE_CALL_TIMEOUT=0s"}, "config", "print")
	if got.code != exitUsage || !strings.Contains(got.stderr, "--call-timeout") {
		t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
	}
}
