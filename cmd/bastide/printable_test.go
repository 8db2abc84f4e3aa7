package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
)

// hostile clears a terminal, paints it, turns text round, and begins a line.
const hostile = "a\x1b[2J\u009b31m\u202e\x7f\nb é 👩‍🚀"

// hostileAuth and hostileSystem say to everything what would steer a terminal.
type hostileAuth struct {
	authv1connect.UnimplementedAuthServiceHandler
}

type hostileSystem struct {
	systemv1connect.UnimplementedSystemServiceHandler
}

func (hostileAuth) GetMyUser(context.Context, *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	return &authv1.GetMyUserResponse{User: &userv1.User{UserName: hostile}}, nil
}

func (hostileAuth) RemoveMyUser(context.Context, *authv1.RemoveMyUserRequest) (*authv1.RemoveMyUserResponse, error) {
	return nil, connect.NewError(connect.CodeInternal, errors.New(hostile))
}

func (hostileSystem) CreateInstance(context.Context, *systemv1.CreateInstanceRequest) (*systemv1.CreateInstanceResponse, error) {
	return &systemv1.CreateInstanceResponse{InstanceId: hostile, Pat: hostile}, nil
}

func (hostileSystem) GetInstance(context.Context, *systemv1.GetInstanceRequest) (*systemv1.GetInstanceResponse, error) {
	return nil, connect.NewError(connect.CodeInternal, errors.New(hostile))
}

func TestNothingThatAServerSaysSteersTheTerminal(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle(authv1connect.NewAuthServiceHandler(hostileAuth{}))
	mux.Handle(systemv1connect.NewSystemServiceHandler(hostileSystem{}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	key := write(t, "key.pem", privatePEM(t, ecKey(t)))
	calls := map[string][]string{
		"an answer":           {"call", "AuthService/GetMyUser", "--anonymous"},
		"an error":            {"call", "AuthService/RemoveMyUser", "--anonymous", "-i"},
		"an instance":         {"instance", "create", hostile, "--system-key", key},
		"an instance as JSON": {"instance", "create", hostile, "--system-key", key, "--json"},
		"words of the caller": {"call", hostile, "--anonymous"},
	}
	for name, args := range calls {
		got := bastide(t, nil, append(args, "--url", server.URL)...)
		for output, text := range map[string]string{"stdout": got.stdout, "stderr": got.stderr} {
			if strings.ContainsAny(text, "\x1b\u009b\u202e\x7f") {
				t.Errorf("%s: %s has what steers a terminal: %q", name, output, text)
			}
		}
		if name == "an error" && !strings.HasSuffix(got.stderr, `bastide: internal: a\x1b[2J\u009b31m\u202e\x7f\x0ab é 👩‍🚀`+"\n") {
			t.Errorf("%s: %s", name, got.stderr)
		}
		if name == "an answer" {
			if user := userName(t, got); user != hostile {
				t.Errorf("%s: the JSON is that of another name: %q", name, user)
			}
		}
		if name == "an instance as JSON" {
			made := map[string]any{}
			if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || made["instanceId"] != hostile {
				t.Errorf("%s: %v: %s", name, err, got.stdout)
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("\x9b1m\t\x00�"); got != `\x9b1m\x09\x00�` {
		t.Errorf("%q", got)
	}
	if got := printableLines("a\n\tb\r"); got != "a\n\tb"+`\x0d` {
		t.Errorf("%q", got)
	}
}
