package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/bastide-id/bastide/server"
)

// outcome is what a run of the program left.
type outcome struct {
	code           int
	stdout, stderr string
}

// bastide runs the program in this process.
func bastide(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	return bastideWith(t, "", env, args...)
}

// bastideWith runs the program in this process with a standard input.
func bastideWith(t *testing.T, stdin string, env []string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"bastide"}, args...), env, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// write makes a file in a directory of the test and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// printed runs config print and returns what it says as a map.
func printed(t *testing.T, env []string, args ...string) map[string]any {
	t.Helper()
	got := bastide(t, env, append([]string{"config", "print"}, args...)...)
	if got.code != exitOK {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(got.stdout), values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestFlagBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	config := write(t, "bastide.yaml", "listen: 127.0.0.1:3\ndataDir: from-file\nidleTimeout: 3s\nexternalSecure: true\ntrustedProxies: [10.0.0.0/8, 192.0.2.1]\ncorsOrigins: [https://a.example.com, 'https://*.b.example.com']\n")
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"BASTIDE_CONFIG=" + config, "BASTIDE_LISTEN=127.0.0.1:2", "BASTIDE_DATA_DIR=from-environment", "BASTIDE_LOG_LEVEL=", "BASTIDEX=1"}
	values := printed(t, env, "--listen", "127.0.0.1:1")
	for key, want := range map[string]any{
		"listen":         "127.0.0.1:1",
		"dataDir":        filepath.Join(here, "from-environment"),
		"idleTimeout":    "3s",
		"externalSecure": true,
		"callTimeout":    "30s",
		"logLevel":       "info",
	} {
		if values[key] != want {
			t.Errorf("%s is %v, want %v", key, values[key], want)
		}
	}
	if proxies, _ := values["trustedProxies"].([]any); len(proxies) != 2 || proxies[1] != "192.0.2.1/32" {
		t.Errorf("trustedProxies is %v", values["trustedProxies"])
	}
	if origins, _ := values["corsOrigins"].([]any); len(origins) != 2 || origins[1] != "https://*.b.example.com" {
		t.Errorf("corsOrigins is %v", values["corsOrigins"])
	}
	other := write(t, "other.yaml", "dataDir: from-other\n")
	if values := printed(t, env[:1], "--config", other); values["dataDir"] != filepath.Join(filepath.Dir(other), "from-other") || values["idleTimeout"] != "2m0s" {
		t.Errorf("--config does not come before BASTIDE_CONFIG: %v", values)
	}
	if values := printed(t, env[:1], "--external-secure=false"); values["externalSecure"] != false {
		t.Errorf("a flag cannot turn off what the file turns on")
	}
}

func TestUsageErrorsNameWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		env  string
		args []string
		want string
	}{
		"no command":            {want: "serve"},
		"unknown command":       {args: []string{"sevre"}, want: "sevre"},
		"unknown flag":          {args: []string{"serve", "--data"}, want: "--data"},
		"unknown variable":      {env: "BASTIDE_DATADIR=x", args: []string{"serve"}, want: "BASTIDE_DATADIR"},
		"variable of a token":   {env: "BASTIDE_AUDIENCE=x", args: []string{"system-token"}, want: "BASTIDE_AUDIENCE"},
		"bad variable":          {env: "BASTIDE_EXTERNAL_PORT=http", args: []string{"serve"}, want: "BASTIDE_EXTERNAL_PORT"},
		"bad flag":              {args: []string{"serve", "--idle-timeout=1"}, want: "--idle-timeout"},
		"bad proxy":             {args: []string{"serve", "--trusted-proxies=10.0.0.0/8,proxy"}, want: `"proxy"`},
		"bad origin":            {env: "BASTIDE_CORS_ORIGINS=https://app.example.com,app.example.com/x", args: []string{"serve"}, want: `--cors-origins: "app.example.com/x" is not an origin`},
		"bad level":             {env: "BASTIDE_LOG_LEVEL=loud", args: []string{"serve"}, want: "--log-level"},
		"limit of 0":            {args: []string{"serve", "--call-timeout=0s"}, want: "--call-timeout"},
		"bad address":           {args: []string{"serve", "--listen=8080"}, want: "--listen"},
		"two mistakes":          {args: []string{"serve", "--listen=8080", "--default-instance=x"}, want: "--default-instance"},
		"no file":               {args: []string{"serve", "--config=/does/not/exist.yaml"}, want: "/does/not/exist.yaml"},
		"unknown key":           {file: "a: 1\n", want: `line 1: unknown key "a"`},
		"key of another form":   {file: "listen: :1\ndata-dir: x\n", want: `line 2: unknown key "data-dir": it is written dataDir`},
		"config in the file":    {file: "config: x\n", want: `unknown key "config"`},
		"key twice":             {file: "listen: :1\nlisten: :2\n", want: "listen is there twice"},
		"bad value in the file": {file: "externalPort: x\n", want: "externalPort"},
		"map as a value":        {file: "listen: {a: b}\n", want: "listen: line 1: must be a single value"},
		"a list":                {file: "- listen\n", want: "must be keys with values"},
		"not YAML":              {file: "\tlisten\n", want: "bastide.yaml"},
		"two documents":         {file: "listen: :1\n---\nlisten: :2\n", want: "more than one YAML document"},
	} {
		t.Run(name, func(t *testing.T) {
			args := test.args
			if test.file != "" {
				args = []string{"config", "print", "--config", write(t, "bastide.yaml", test.file)}
			}
			got := bastide(t, []string{test.env}, args...)
			if got.code != exitUsage || got.stdout != "" {
				t.Errorf("exit code %d and output %q", got.code, got.stdout)
			}
			if !strings.Contains(got.stderr, test.want) {
				t.Errorf("the error does not name %s: %s", test.want, got.stderr)
			}
		})
	}
}

// The tests of this program have variables of their own.
func TestVariablesOfTestsAreNotSettings(t *testing.T) {
	printed(t, []string{"BASTIDE_TEST_POSTGRES_BIN=/usr/lib/postgresql/16/bin", "BASTIDE_TEST_POSTGRES=postgres://db/x"})
}

// Where things lie: paths in the file are seen from the file, all others from
// the working directory.
func TestPathsInTheFileAreSeenFromTheFile(t *testing.T) {
	config := write(t, "bastide.yaml", "dataDir: data\nmasterKeyFile: ../keys/master\ntlsCert: /etc/tls/cert.pem\ntlsKey: tls/key.pem\n")
	dir := filepath.Dir(config)
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	check := func(values map[string]any, want map[string]string) {
		t.Helper()
		for key, path := range want {
			if values[key] != path {
				t.Errorf("%s is %v, want %s", key, values[key], path)
			}
		}
	}
	check(printed(t, nil, "--config", config), map[string]string{
		"dataDir":       filepath.Join(dir, "data"),
		"masterKeyFile": filepath.Join(dir, "..", "keys", "master"),
		"tlsCert":       "/etc/tls/cert.pem",
		"tlsKey":        filepath.Join(dir, "tls", "key.pem"),
	})
	check(printed(t, []string{"BASTIDE_TLS_KEY=key.pem"}, "--config", config, "--data-dir", "data"), map[string]string{
		"dataDir": filepath.Join(here, "data"),
		"tlsKey":  filepath.Join(here, "key.pem"),
	})
	check(printed(t, nil), map[string]string{"dataDir": filepath.Join(here, "bastide-data"), "masterKeyFile": "", "tlsCert": ""})
	relative, err := filepath.Rel(here, config)
	if err != nil {
		t.Fatal(err)
	}
	check(printed(t, nil, "--config", relative), map[string]string{"dataDir": filepath.Join(dir, "data")})
	if got := bastide(t, nil, "serve", "--help"); !strings.Contains(got.stdout, "in the file starts from the file") {
		t.Errorf("the help does not say it: %s", got.stdout)
	}
}

// Whoever calls a server may have these set for good; a command that calls none
// takes no notice of them.
func TestVariablesOfClientsAreNotSettings(t *testing.T) {
	t.Setenv("BASTIDE_URL", "https://id.example.com") // for the program that is started
	t.Setenv("BASTIDE_TOKEN", "Tr0ub4dor")
	env := []string{"BASTIDE_URL=https://id.example.com", "BASTIDE_TOKEN=Tr0ub4dor"}
	for key := range printed(t, env) {
		if key == urlFlag || key == tokenFlag {
			t.Errorf("config print has %s", key)
		}
	}
	p := startProgram(t, build(t))
	for _, args := range [][]string{{"system-token"}, {"status"}, {"migrate"}} {
		if got := bastide(t, env, append(args, "--data-dir", p.dataDir)...); got.code != exitOK {
			t.Errorf("%v: %+v", args, got)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.stderr)
	}
}

func TestVariablesOfKubernetesAreNotSettings(t *testing.T) {
	printed(t, []string{
		"BASTIDE_SERVICE_HOST=10.0.0.1", "BASTIDE_SERVICE_PORT=8080", "BASTIDE_SERVICE_PORT_HTTP=8080", "BASTIDE_PORT=tcp://10.0.0.1:8080",
		"BASTIDE_PORT_8080_TCP=tcp://10.0.0.1:8080", "BASTIDE_PORT_8080_TCP_ADDR=10.0.0.1",
	})
	if got := bastide(t, []string{"BASTIDE_PORT=9000"}, "config", "print"); got.code != exitUsage {
		t.Errorf("BASTIDE_PORT=9000 passes for a variable of Kubernetes")
	}
}

func TestHelpHasEachSettingOnOneLine(t *testing.T) {
	got := bastide(t, nil, "serve", "--help")
	if got.code != exitOK || got.stderr != "" {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	lines := strings.Split(got.stdout, "\n")
	parser := kong.Must(&commands{}, kong.Vars(defaults(server.Defaults())), kong.ExplicitGroups(slices.Concat(groups, commandGroups)))
	flags := settingFlags(parser.Model)
	if len(flags) < 24 {
		t.Fatalf("serve has %d flags", len(flags))
	}
	for name, flag := range flags {
		found := false
		for _, line := range lines {
			found = found || strings.HasPrefix(strings.Replace(line, "--[no-]", "--", 1), "  --"+name+" ") && strings.Contains(line, flag.Help) &&
				strings.HasSuffix(line, "  "+envName(name)) && strings.Contains(line, flag.Default)
		}
		if !found {
			t.Errorf("no line of the help is about --%s", name)
		}
	}
	values := printed(t, nil)
	for name := range flags {
		if _, found := values[fileKey(name)]; !found && name != "config" {
			t.Errorf("config print has no %s", fileKey(name))
		}
	}
}

func TestHelpHasEachCommand(t *testing.T) {
	all := bastide(t, nil, "--help")
	parser := kong.Must(&commands{}, kong.Vars(defaults(server.Defaults())), kong.ExplicitGroups(slices.Concat(groups, commandGroups)))
	leaves := parser.Model.Leaves(true)
	if len(leaves) < 7 {
		t.Fatalf("there are %d commands", len(leaves))
	}
	for _, command := range leaves {
		_, words, _ := strings.Cut(command.FullPath(), " ")
		if !strings.Contains(all.stdout, "\n  bastide "+words+" ") || !strings.Contains(all.stdout, command.Help) {
			t.Errorf("the help has no line about %s: %s", words, all.stdout)
		}
		for args := strings.Fields(words); len(args) > 0; args = args[:len(args)-1] { // those that lead to it as well
			got := bastide(t, nil, append(args[:len(args):len(args)], "--help")...)
			if got.code != exitOK || !strings.HasPrefix(got.stdout, "Usage: bastide "+strings.Join(args, " ")+" ") {
				t.Errorf("%v: exit code %d: %s%s", args, got.code, got.stdout, got.stderr)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	version, commit = "v1.2.3", "0123abc"
	t.Cleanup(func() { version, commit = "", "" })
	if got := bastide(t, []string{"BASTIDE_NO_SETTING=1"}, "version"); got.stdout != "bastide v1.2.3 (0123abc)\n" || got.code != exitOK {
		t.Errorf("%+v", got)
	}
}
