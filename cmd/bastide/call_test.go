package main

import (
	"encoding/json"
	"strings"
	"testing"

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
