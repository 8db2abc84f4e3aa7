package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

func TestAssertion(t *testing.T) {
	f := newFake(t)
	f.issue = func(w http.ResponseWriter, r *http.Request) {
		if got := r.PostFormValue("grant_type"); got != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
			t.Errorf("the grant type is %q", got)
		}
		if got := r.PostFormValue("scope"); got != "openid urn:zitadel:iam:org:project:id:zitadel:aud" {
			t.Errorf("the scope is %q", got)
		}
		giveToken(w, "token", 3600)
	}
	for range 2 {
		if err := read(t, f.client(t, f.withKey(), client.WithHost("acme.example.com:80"))); err != nil {
			t.Fatal(err)
		}
	}
	claims, other := f.verify(t, f.assertions[0]), f.verify(t, f.assertions[1])
	lifetime := claims.Expiry.Time().Sub(claims.IssuedAt.Time())
	if claims.Issuer != "machine-1" || claims.Subject != "machine-1" || len(claims.Audience) != 1 || claims.Audience[0] != "http://acme.example.com" ||
		lifetime != 10*time.Minute || claims.ID == "" || claims.ID == other.ID {
		t.Errorf("the claims are %+v, and then the id %q", claims, other.ID)
	}
}

// Many callers who need a token at once share one request.
func TestOneRequestForMany(t *testing.T) {
	const callers = 50
	f := newFake(t)
	arrived := make(chan struct{})
	f.issue = func(w http.ResponseWriter, _ *http.Request) {
		<-arrived
		giveToken(w, "token", 3600)
	}
	c := f.client(t, f.withKey(), client.WithGRPC())
	var started atomic.Int32
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			if started.Add(1) == callers {
				close(arrived)
			}
			if err := read(t, c); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if calls, issued := f.counts(); calls != callers || issued != 1 {
		t.Errorf("%d calls and %d tokens", calls, issued)
	}
}

func TestTokenIsKeptAndRenewed(t *testing.T) {
	f := newFake(t)
	var ahead atomic.Int64
	now := time.Now()
	c := f.client(t, f.withKey(), client.WithNow(func() time.Time { return now.Add(time.Duration(ahead.Load())) }))
	for _, at := range []time.Duration{0, 58 * time.Minute, 59*time.Minute + time.Second, 60 * time.Minute} {
		ahead.Store(int64(at))
		if err := read(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.authorizations(); got != "token-1 token-1 token-2 token-2" {
		t.Errorf("the tokens were %s", got)
	}
}

// A short-lived token is kept for three quarters of its life, and one of unknown
// life until it is refused.
func TestShortLivedToken(t *testing.T) {
	for name, test := range map[string]struct {
		seconds int
		ahead   time.Duration
		issued  int
	}{
		"kept":    {100, 74 * time.Second, 1},
		"renewed": {100, 76 * time.Second, 2},
		"unknown": {0, 24 * 365 * time.Hour, 1},
	} {
		f := newFake(t)
		f.issue = func(w http.ResponseWriter, _ *http.Request) { giveToken(w, "token", test.seconds) }
		now := time.Now()
		c := f.client(t, f.withKey(), client.WithNow(func() time.Time { return now }))
		for range 2 {
			if err := read(t, c); err != nil {
				t.Fatal(err)
			}
			now = now.Add(test.ahead)
		}
		if _, issued := f.counts(); issued != test.issued {
			t.Errorf("%s: %d tokens", name, issued)
		}
	}
}

// While a token is good it is used up if no new one can be got.
func TestTokenIsUsedUp(t *testing.T) {
	f := newFake(t)
	var ahead atomic.Int64
	now := time.Now()
	c := f.client(t, f.withKey(), client.WithNow(func() time.Time { return now.Add(time.Duration(ahead.Load())) }))
	if err := read(t, c); err != nil {
		t.Fatal(err)
	}
	f.issue = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	ahead.Store(int64(59*time.Minute + time.Second))
	if err := write(t, c); err != nil {
		t.Errorf("before it expires: %v", err)
	}
	ahead.Store(int64(time.Hour))
	if err := write(t, c); !errors.Is(err, client.Unavailable) {
		t.Errorf("after it expired: %v", err)
	}
}

// A token that was kept and is refused is renewed once, for a write as well: it
// was not made.
func TestRefusedToken(t *testing.T) {
	for name, call := range map[string]func(*testing.T, *client.Client) error{"read": read, "write": write} {
		t.Run(name, func(t *testing.T) {
			eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
				c := f.client(t, protocol, f.withKey())
				if err := call(t, c); err != nil {
					t.Fatal(err)
				}
				f.answer = func(_ context.Context, header http.Header) error {
					if strings.HasSuffix(header.Get("Authorization"), "token-1") {
						return fail(connect.CodeUnauthenticated)
					}
					return nil
				}
				if err := call(t, c); err != nil {
					t.Error(err)
				}
				f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnauthenticated) }
				if err := call(t, c); !errors.Is(err, client.Unauthenticated) {
					t.Error(err)
				}
				if got := f.authorizations(); got != "token-1 token-1 token-2 token-2 token-3" {
					t.Errorf("the tokens were %s", got)
				}
			})
		})
	}
}

// A token endpoint that gives one token again and again is asked twice, and the
// refusal told.
func TestOneTokenAgain(t *testing.T) {
	f := newFake(t)
	f.issue = func(w http.ResponseWriter, _ *http.Request) { giveToken(w, "token", 3600) }
	c := f.client(t, f.withKey())
	if err := read(t, c); err != nil {
		t.Fatal(err)
	}
	f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnauthenticated) }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // else it never ends
	defer cancel()
	if _, err := c.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{}); !errors.Is(err, client.Unauthenticated) {
		t.Error(err)
	}
	if calls, issued := f.counts(); calls != 3 || issued != 3 {
		t.Errorf("%d calls, %d tokens", calls, issued)
	}
}

// A system user's token that is signed anew is another one, also within a second.
func TestSystemTokenSignedAnew(t *testing.T) {
	f := newFake(t)
	key, err := fakeKey()
	if err != nil {
		t.Fatal(err)
	}
	path, now := file(t, pemOf(t, key)), time.Now()
	c := f.client(t, client.WithSystemKey("system", path), client.WithNow(func() time.Time { return now }))
	if err := read(t, c); err != nil {
		t.Fatal(err)
	}
	f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnauthenticated) }
	if err := read(t, c); !errors.Is(err, client.Unauthenticated) {
		t.Error(err)
	}
	if sent := strings.Fields(f.authorizations()); len(sent) != 3 || sent[0] != sent[1] || sent[1] == sent[2] {
		t.Errorf("%d calls, or the wrong tokens", len(sent))
	}
}

// A new token that is refused is not renewed: another one would be refused too.
func TestRefusedNewToken(t *testing.T) {
	f := newFake(t)
	f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnauthenticated) }
	if err := read(t, f.client(t, f.withKey())); !errors.Is(err, client.Unauthenticated) {
		t.Error(err)
	}
	if calls, issued := f.counts(); calls != 1 || issued != 1 {
		t.Errorf("%d calls, %d tokens", calls, issued)
	}
}

func TestTokenEndpointRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   client.Kind
		says   string
		asked  int
	}{
		"the key":            {400, `{"error":"invalid_grant","error_description":"the key has expired"}`, client.Unauthenticated, "the key was refused: invalid_grant: the key has expired", 1},
		"without a reason":   {401, `{"error":"invalid_grant"}`, client.Unauthenticated, "the key was refused: invalid_grant", 1},
		"another server":     {404, "not here", client.Unknown, "status 404: is this the URL of the server?", 1},
		"redirect":           {302, "", client.Unknown, "status 302", 1},
		"too often":          {429, "", client.ResourceExhausted, "too often", 1},
		"does not work":      {503, "", client.Unavailable, "status 503", client.Tries},
		"no JSON":            {200, "<html>", client.Unknown, "is no token", 1},
		"no token":           {200, `{"token_type":"Bearer"}`, client.Unknown, "is no token", 1},
		"another token type": {200, `{"access_token":"secret-token","token_type":"DPoP"}`, client.Unknown, "is no token", 1},
		"a line break":       {200, `{"access_token":"secret-token\r\nX: y","token_type":"Bearer"}`, client.Unknown, "is no token", 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.issue = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example.com/")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}
			err := write(t, f.client(t, f.withKey()))
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v", err)
			}
			if calls, issued := f.counts(); calls != 0 || issued != test.asked {
				t.Errorf("%d calls, the endpoint was asked %d times", calls, issued)
			}
			for _, secret := range append(f.assertions, "secret-token") {
				if strings.Contains(err.Error(), secret) {
					t.Error("the error has a secret")
				}
			}
		})
	}
}

// Who hangs up leaves those alone who wait for the same token.
func TestFirstCallerHangsUp(t *testing.T) {
	f := newFake(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	f.issue = func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-goOn
		giveToken(w, "token", 3600)
	}
	c := f.client(t, f.withKey())
	ctx, hangUp := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := c.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{})
		first <- err
	}()
	<-asked
	go func() { second <- read(t, c) }()
	hangUp()
	if err := <-first; !errors.Is(err, client.Canceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	close(goOn)
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
	if _, issued := f.counts(); issued != 1 {
		t.Errorf("%d tokens", issued)
	}
}
