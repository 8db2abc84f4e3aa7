package wire_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/wire"
)

func shortCalls(c *wire.Config) { c.Limits.CallTimeout = shortTime }

// everywhere makes GetMyUser over every protocol and checks code and id.
func (f *fixture) everywhere(t *testing.T, name string, code connect.Code, id string, header http.Header) {
	t.Helper()
	for _, s := range speakers {
		r := getMyUser()
		r.header = header
		got := s.send(t, f, r)
		if got.code != code || got.id != id || strings.Contains(got.message, "secret") {
			t.Errorf("%s, %s: %v %q %q", name, s.name, got.code, got.id, got.message)
		}
		if !s.enveloped && got.status != httpStatus[code] {
			t.Errorf("%s, %s: HTTP %d", name, s.name, got.status)
		}
		checkLines(t, f.logs.take(), code)
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	f := start(t, nil)
	for _, test := range []struct {
		name string
		err  error
		code connect.Code
		id   string
	}{
		{"fault", fault.UserUnknown.With(), connect.CodeNotFound, "user.unknown"},
		{"wrapped", errors.Join(errors.New("context"), fault.NothingChanged.With()), connect.CodeFailedPrecondition, "object.unchanged"},
		{"cause", fault.DatabaseDown.With().Because(errDatabase), connect.CodeUnavailable, "database.down"},
		{"kind", fault.AlreadyExists, connect.CodeAlreadyExists, "already_exists"},
		{"deadline", context.DeadlineExceeded, connect.CodeDeadlineExceeded, "request.deadline"},
		{"canceled", context.Canceled, connect.CodeCanceled, "request.canceled"},
		{"unknown", errDatabase, connect.CodeInternal, "internal"},
		{"of the library", connect.NewError(connect.CodeDataLoss, errDatabase), connect.CodeInternal, "internal"},
	} {
		f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) { return nil, test.err })
		f.everywhere(t, test.name, test.code, test.id, nil)
	}
}

func TestCauseIsLogged(t *testing.T) {
	f := start(t, nil)
	f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) { return nil, errDatabase })
	speakers[0].send(t, f, getMyUser())
	lines := f.logs.take()
	if len(lines) != 1 || !strings.Contains(lines[0], "secret cause") || !strings.Contains(lines[0], "method=/zitadel.auth.v1.AuthService/GetMyUser") {
		t.Errorf("%q", lines)
	}
}

func TestTranslate(t *testing.T) {
	f := start(t, func(c *wire.Config) {
		c.Translate = func(err error) error {
			if errors.Is(err, errDatabase) {
				return fault.DatabaseDown.With().Because(err)
			}
			return err
		}
	})
	f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) { return nil, errDatabase })
	for _, s := range speakers {
		for _, r := range []request{getMyUser(), {}, {}} {
			if r.procedure == "" {
				r = addMachine()
				r.token = brokenToken
			}
			if got := s.send(t, f, r); got.code != connect.CodeUnavailable || got.id != "database.down" {
				t.Errorf("%s: %v %q", s.name, got.code, got.id)
			}
		}
		r := getMyUser()
		r.host = "down.test"
		if got := s.send(t, f, r); got.code != connect.CodeUnavailable {
			t.Errorf("%s, host: %v %q", s.name, got.code, got.id)
		}
	}
}

func TestPanic(t *testing.T) {
	f := start(t, nil)
	f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) { panic("secret state") })
	f.everywhere(t, "panic", connect.CodeInternal, "internal", nil)
	speakers[0].send(t, f, getMyUser())
	if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], "secret state") || !strings.Contains(lines[0], "call_test.go") {
		t.Errorf("%q", lines)
	}
}

// TestUnwritableResponse has a handler return what no codec can write.
func TestUnwritableResponse(t *testing.T) {
	f := start(t, nil)
	f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) {
		return &authv1.GetMyUserResponse{User: &userv1.User{Id: "\xff"}}, nil
	})
	f.everywhere(t, "unwritable", connect.CodeInternal, "internal", nil)
	speakers[2].send(t, f, getMyUser())
	if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], "UTF-8") {
		t.Errorf("%q", lines)
	}
}

func TestDeadline(t *testing.T) {
	f := start(t, shortCalls)
	wait := func(ctx context.Context) (*authv1.GetMyUserResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	f.services.behaves(wait)
	long := http.Header{"Connect-Timeout-Ms": {"3600000"}, "Grpc-Timeout": {"1H"}}
	f.everywhere(t, "server's", connect.CodeDeadlineExceeded, "request.deadline", long)

	// A driver that is interrupted has errors of its own, which do not say why. An
	// answer that was found stands, however late.
	for _, test := range []struct {
		name string
		err  error
		code connect.Code
		id   string
	}{
		{"unknown", errDatabase, connect.CodeDeadlineExceeded, "request.deadline"},
		{"canceled", errors.Join(context.Canceled, errDatabase), connect.CodeDeadlineExceeded, "request.deadline"},
		{"connection lost", fault.DatabaseDown.With().Because(errDatabase), connect.CodeDeadlineExceeded, "request.deadline"},
		{"canceled fault", fault.CallerGone.With(), connect.CodeDeadlineExceeded, "request.deadline"},
		{"found", fault.UserUnknown.With(), connect.CodeNotFound, "user.unknown"},
	} {
		f.services.behaves(func(ctx context.Context) (*authv1.GetMyUserResponse, error) {
			<-ctx.Done()
			return nil, test.err
		})
		f.everywhere(t, test.name, test.code, test.id, nil)
	}
	f.services.behaves(func(ctx context.Context) (*authv1.GetMyUserResponse, error) {
		<-ctx.Done()
		return nil, errDatabase
	})
	speakers[0].send(t, f, getMyUser())
	if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "secret cause") {
		t.Errorf("%q", lines)
	}

	slow := start(t, nil)
	slow.services.behaves(wait)
	for _, s := range speakers {
		if s.rest {
			continue // REST has no timeout of the caller
		}
		r := getMyUser()
		r.header = http.Header{"Connect-Timeout-Ms": {"20"}, "Grpc-Timeout": {"20m"}}
		if got := s.send(t, slow, r); got.code != connect.CodeDeadlineExceeded {
			t.Errorf("caller's, %s: %v %q", s.name, got.code, got.message)
		}
	}
}

func TestPublicMethods(t *testing.T) {
	f := start(t, nil)
	for _, s := range speakers {
		for _, token := range []string{"", "nonsense", brokenToken} {
			got := s.send(t, f, request{
				procedure: "/zitadel.auth.v1.AuthService/Healthz", verb: http.MethodGet, path: "/auth/v1/healthz",
				message: &authv1.HealthzRequest{}, token: token, host: "nowhere.test",
			})
			if got.code != 0 || got.status != 200 {
				t.Errorf("%s: HTTP %d %v %q", s.name, got.status, got.code, got.message)
			}
		}
	}
	if len(f.services.authenticated) != 0 {
		t.Errorf("tokens %q were looked at", f.services.authenticated)
	}
}

func TestAuthorization(t *testing.T) {
	f := start(t, nil)
	for _, test := range []struct {
		values []string
		ok     bool
	}{
		{[]string{"Bearer " + ownerToken}, true},
		{[]string{"bEARER " + ownerToken}, true},
		{[]string{"Bearer   " + ownerToken}, true},
		{[]string{"Basic " + ownerToken}, false},
		{[]string{ownerToken}, false},
		{[]string{"Bearer"}, false},
		{[]string{"Bearer "}, false},
		{[]string{""}, false},
		{[]string{"Bearer a " + ownerToken}, false},
		{[]string{"Bearer " + ownerToken, "Bearer " + ownerToken}, false},
		{[]string{"Bearer " + ownerToken + ", Bearer x"}, false},
	} {
		res, body := f.rest(t, "GET", "/auth/v1/users/me", "", func(r *http.Request) { r.Header["Authorization"] = test.values })
		if (res.StatusCode == 200) != test.ok || !test.ok && res.StatusCode != 401 {
			t.Errorf("%q: HTTP %d %s", test.values, res.StatusCode, body)
		}
	}
}

func TestMembershipsFail(t *testing.T) {
	f := start(t, func(c *wire.Config) {
		c.Memberships = func(context.Context, caller.Caller) ([]caller.Membership, error) { return nil, errDatabase }
	})
	for _, s := range speakers {
		if got := s.send(t, f, addMachine()); got.code != connect.CodeInternal || strings.Contains(got.message, "secret") {
			t.Errorf("%s: %v %q", s.name, got.code, got.message)
		}
		// A method that takes no permission does not ask for memberships.
		if got := s.send(t, f, getMyUser()); got.code != 0 {
			t.Errorf("%s: %v %q", s.name, got.code, got.message)
		}
	}
}
