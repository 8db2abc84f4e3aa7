package main

import (
	"context"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

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
