package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/server/servertest"
)

// programOn runs the program for the data directory of a server, and sees that
// no secret of it is on standard error.
func programOn(t *testing.T, s *servertest.Server) func(args ...string) outcome {
	t.Helper()
	secrets := secretsIn(t, s.DataDir)
	return func(args ...string) outcome {
		t.Helper()
		got := bastide(t, []string{"BASTIDE_DATA_DIR=" + s.DataDir}, args...)
		for name, secret := range secrets {
			if strings.Contains(got.stderr, secret) {
				t.Errorf("%s is in the errors of %v", name, args)
			}
		}
		return got
	}
}

// answerOf reads the JSON that a command printed.
func answerOf(t *testing.T, got outcome) map[string]any {
	t.Helper()
	answer := map[string]any{}
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || got.code != exitOK || got.stderr != "" {
		t.Fatalf("%v: %+v", err, got)
	}
	return answer
}

func userName(t *testing.T, got outcome) any {
	t.Helper()
	user, _ := answerOf(t, got)["user"].(map[string]any)
	return user["userName"]
}

func TestCallOverEachProtocol(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		for _, protocol := range []string{"connect", "grpc", "grpc-web"} {
			if name := userName(t, run("call", "auth.v1.AuthService/GetMyUser", "--protocol", protocol)); name != "owner" {
				t.Errorf("%s: the user is %v", protocol, name)
			}
			got := run("call", "management.v1.ManagementService/GetUserByID", "-d", `{"id":"1"}`, "--protocol", protocol)
			if got.code != exitFailed || got.stdout != "" || !strings.HasPrefix(got.stderr, "bastide: not_found (object.unknown): ") {
				t.Errorf("%s: %+v", protocol, got)
			}
			got = run("call", "management.v1.ManagementService/AddMachineUser", "--protocol", protocol)
			if got.code != exitFailed || !strings.Contains(got.stderr, "invalid_argument (request.invalid)\n") || !strings.Contains(got.stderr, " user_name: must be") {
				t.Errorf("%s: %+v", protocol, got)
			}
		}
	})
}

func TestCallTakesNamesAndRequestsAsTheyCome(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	run := programOn(t, s)
	for _, name := range []string{
		"zitadel.auth.v1.AuthService/GetMyUser", "/zitadel.auth.v1.AuthService/GetMyUser", "zitadel.auth.v1.AuthService.GetMyUser",
		"auth.v1.AuthService.GetMyUser", "AuthService/GetMyUser", "AuthService.GetMyUser",
	} {
		if user := userName(t, run("call", name)); user != "owner" {
			t.Errorf("%s: the user is %v", name, user)
		}
	}
	if got := answerOf(t, run("call", "grpc.health.v1.Health/Check", "--anonymous")); got["status"] != "SERVING" {
		t.Errorf("a service that is not listed answers %v", got)
	}
	const method, request = "management.v1.ManagementService/AddMachineUser", `{"userName":"%","name":"Bot"}`
	env := []string{"BASTIDE_DATA_DIR=" + s.DataDir}
	for name, data := range map[string]string{"stdin": "-", "atstdin": "@-", "file": "@" + write(t, "bot.json", strings.ReplaceAll(request, "%", "file"))} {
		answerOf(t, bastideWith(t, strings.ReplaceAll(request, "%", name), env, "call", method, "--data", data))
	}
	got := run("call", "ManagementService/GetIAM", "--compact")
	if got.code != exitOK || strings.Count(got.stdout, "\n") != 1 || strings.Contains(got.stdout, `": `) {
		t.Errorf("%+v", got)
	}
	if again := run("call", "ManagementService/GetIAM"); !strings.Contains(again.stdout, "\n  \"") {
		t.Errorf("%+v", again)
	}
}

func TestCallReadsAListToItsEnd(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		for _, name := range []string{"a", "b", "c"} {
			answerOf(t, run("call", "ManagementService/AddMachineUser", "-d", `{"userName":"`+name+`","name":"Bot"}`))
		}
		got := run("call", "ManagementService/ListUsers", "--all", "-d", `{"query":{"limit":1}}`)
		names := map[any]bool{}
		for line := range strings.Lines(got.stdout) {
			user := map[string]any{}
			if err := json.Unmarshal([]byte(line), &user); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			names[user["userName"]] = true
		}
		if got.code != exitOK || strings.Count(got.stdout, "\n") != 4 || len(names) != 4 || !names["owner"] {
			t.Errorf("%v: %+v", names, got)
		}
	})
	got := programOn(t, servertest.Installed(t, servertest.SQLite).Start(t))("call", "AuthService/GetMyUser", "--all")
	if got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, "--all: zitadel.auth.v1.AuthService.GetMyUser does not answer a list") {
		t.Errorf("%+v", got)
	}
}

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

func TestCallInAnOrganization(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		run := programOn(t, s)
		id, _ := answerOf(t, run("call", "ManagementService/AddOrg", "-d", `{"name":"Other"}`))["id"].(string)
		org, _ := answerOf(t, run("call", "ManagementService/GetMyOrg", "--org", id))["org"].(map[string]any)
		if id == "" || org["name"] != "Other" {
			t.Errorf("%s: %v", id, org)
		}
	})
}

func TestCallMistakes(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	run := programOn(t, s)
	const me = "auth.v1.AuthService/GetMyUser"
	const password = "Tr0ub4dor"
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no method":              {nil, exitUsage, "<method>"},
		"unknown service":        {[]string{"auth.v1.AuthServic/GetMyUser"}, exitUsage, `no service "auth.v1.AuthServic": it has auth.v1.AuthService,`},
		"unknown short service":  {[]string{"Auth/GetMyUser"}, exitUsage, "it has auth.v1.AuthService,"},
		"a message":              {[]string{"zitadel.user.v1.User/GetMyUser"}, exitUsage, "zitadel.user.v1.User is no service"},
		"unknown method":         {[]string{"auth.v1.AuthService/GetMyUsr"}, exitUsage, `no method "GetMyUsr": it has GetMyUser,`},
		"service alone":          {[]string{"auth.v1.AuthService"}, exitUsage, "it has GetMyEmail, "},
		"nothing":                {[]string{""}, exitUsage, `no service ""`},
		"a stream":               {[]string{"grpc.health.v1.Health/Watch"}, exitUsage, "is a stream"},
		"half of JSON":           {[]string{me, "-d", `{"`}, exitUsage, "--data: zitadel.auth.v1.GetMyUserRequest: "},
		"no object":              {[]string{me, "-d", `[]`}, exitUsage, "line 1:1: the JSON does not have the form"},
		"not JSON":               {[]string{me, "-d", "{\n  " + password + "}"}, exitUsage, "line 2:3: this is not JSON"},
		"unknown field":          {[]string{me, "-d", "{\n  \"user\": 1}"}, exitUsage, `line 2:3: unknown field "user"`},
		"value of another type":  {[]string{"AuthService/UpdateMyPassword", "-d", `{"newPassword": {"` + password + `": 1}}`}, exitUsage, "line 1:17: invalid value for string field newPassword\n"},
		"value that is no field": {[]string{"AuthService/ListMyMemberships", "-d", `{"query": {"limit": "` + password + `"}}`}, exitUsage, "line 1:21: invalid value for uint32 field limit\n"},
		"no data file":           {[]string{me, "-d", "@/does/not/exist"}, exitFailed, "--data: open /does/not/exist"},
		"two credentials":        {[]string{me, "--token", password, "--key-file", "x"}, exitUsage, "--token and --key-file can't be used together"},
		"no key file":            {[]string{me, "--key-file", "/does/not/exist"}, exitFailed, "--key-file: open /does/not/exist"},
		"no key in the file":     {[]string{me, "--key-file", write(t, "key.json", password)}, exitFailed, "--key-file: "},
		"no PEM in the file":     {[]string{me, "--system-key", write(t, "key.pem", password)}, exitFailed, "--system-key: "},
		"no token file":          {[]string{me, "--token-file", "/does/not/exist"}, exitFailed, "--token-file: open /does/not/exist"},
		"empty token file":       {[]string{me, "--token-file", write(t, "pat", "\n")}, exitFailed, "--token-file: there is nothing in it"},
		"token of two words":     {[]string{me, "--token", password + " x"}, exitUsage, "--token: "},
		"wrong token":            {[]string{me, "--token", password}, exitFailed, "unauthenticated (auth.token_invalid): "},
		"user without a key":     {[]string{me, "--user", "ops"}, exitUsage, "--user: "},
		"standard input twice":   {[]string{me, "--token-file", "-", "-d", "-"}, exitUsage, "--data: "},
		"unknown protocol":       {[]string{me, "--protocol", "soap"}, exitUsage, "--protocol"},
		"no time":                {[]string{me, "--timeout", "0s"}, exitUsage, "--timeout: 0s"},
		"URL with a path":        {[]string{me, "--url", s.URL + "/auth"}, exitUsage, "--url: "},
		"URL with a password":    {[]string{me, "--url", "http://me:" + password + "@localhost"}, exitUsage, "--url: "},
		"no URL":                 {[]string{me, "--url", "localhost:8080"}, exitUsage, "--url: "},
		"another server":         {[]string{me, "--url", "https://id.example.com"}, exitUsage, "it is not told the secrets"},
		"another port":           {[]string{me, "--url", "http://localhost:1"}, exitUsage, "it is not told the secrets"},
		"cleartext":              {[]string{me, "--url", "http://id.example.com", "--token", password}, exitUsage, "--cleartext"},
		"two hosts":              {[]string{me, "--host", "a b"}, exitUsage, "--host: "},
		"id of two words":        {[]string{me, "--org", "a b"}, exitUsage, "--org: "},
		"no certificate":         {[]string{me, "--cacert", write(t, "ca.pem", "x")}, exitFailed, "--cacert: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(append([]string{"call"}, test.args...)...)
			if got.code != test.code || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
				t.Errorf("want exit code %d and %q: %+v", test.code, test.want, got)
			}
			if strings.Contains(got.stderr, password) {
				t.Errorf("a secret is shown: %s", got.stderr)
			}
		})
	}
}

// A server whose certificate nobody else trusts.
func TestCallTrustsCertificates(t *testing.T) {
	cert, key := certificate(t)
	s := servertest.Installed(t, servertest.SQLite)
	dir := s.DataDir
	running := start(t, "--data-dir", dir, "--tls-cert", cert, "--tls-key", key)
	env := []string{"BASTIDE_DATA_DIR=" + dir}
	for _, protocol := range []string{"connect", "grpc", "grpc-web"} {
		for _, flag := range []string{"--cacert", "--tls-cert"} {
			args := []string{"call", "AuthService/GetMyUser", "--protocol", protocol, flag, cert}
			if flag == "--tls-cert" { // as the server itself has it
				args = append(args, "--tls-key", key)
			}
			if name := userName(t, bastide(t, env, args...)); name != "owner" {
				t.Errorf("%s: the user is %v", protocol, name)
			}
		}
	}
	if got := bastide(t, env, "call", "AuthService/GetMyUser"); got.code != exitFailed || !strings.Contains(got.stderr, "certificate") {
		t.Errorf("without the certificate: %+v", got)
	}
	if got := running.stop(); got.code != exitOK {
		t.Errorf("%+v", got)
	}
}

// certificate makes a certificate for localhost, and returns its file and that
// of its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private := ecKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))), write(t, "key.pem", privatePEM(t, private))
}

func TestCallThatEndsEarly(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	on := programOn(t, s)
	for _, command := range [][]string{{"call", "AuthService/GetMyUser"}, {"instance", "create", "acme"}} {
		got := on(append(command, "--timeout", "1ns")...)
		if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "--timeout gives it more") {
			t.Errorf("%v: %+v", command, got)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		var stdout, stderr strings.Builder
		code := run(ctx, append([]string{"bastide"}, command...), []string{"BASTIDE_DATA_DIR=" + s.DataDir}, nil, &stdout, &stderr)
		if code != exitFailed || stdout.Len() > 0 || !strings.Contains(stderr.String(), "bastide: interrupted\n") {
			t.Errorf("%v: exit code %d: %s%s", command, code, &stdout, &stderr)
		}
	}
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
	got := bastide(t, env, call...)
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
