package client_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

// fake is a server that fails as a test wants it to. GetMyUser stands for the
// reads, RemoveMyUser for the writes.
type fake struct {
	authv1connect.UnimplementedAuthServiceHandler
	*httptest.Server
	keyID  string
	public *rsa.PublicKey
	key    []byte

	mu sync.Mutex
	// answer is what a call is answered; nil is success.
	answer func(ctx context.Context, header http.Header) error
	// issue answers the token endpoint; nil gives token-1, token-2, … for an hour.
	issue http.HandlerFunc
	// calls and issued count, headers has those of each call.
	calls, issued int
	headers       []http.Header
	assertions    []string
}

// fakeKey is the machine's key: making one takes longer than most tests.
var fakeKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// newKeyFile returns the content of a key file.
func newKeyFile(userID, keyID string) ([]byte, error) {
	private, err := fakeKey()
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{
		"type": "serviceaccount", "keyId": keyID, "userId": userID,
		"key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})),
	})
}

func newFake(t *testing.T) *fake {
	t.Helper()
	private, err := fakeKey()
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{public: &private.PublicKey, keyID: "key-1"}
	if f.key, err = newKeyFile("machine-1", f.keyID); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(authv1connect.NewAuthServiceHandler(f))
	mux.HandleFunc("POST /oauth/v2/token", f.token)
	f.Server = httptest.NewUnstartedServer(mux)
	f.Config.Protocols = new(http.Protocols)
	f.Config.Protocols.SetHTTP1(true)
	f.Config.Protocols.SetUnencryptedHTTP2(true)
	f.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	f.Start()
	t.Cleanup(f.Close)
	return f
}

func (f *fake) GetMyUser(ctx context.Context, _ *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	return &authv1.GetMyUserResponse{User: &userv1.User{Id: "machine-1"}}, f.called(ctx)
}

func (f *fake) RemoveMyUser(ctx context.Context, _ *authv1.RemoveMyUserRequest) (*authv1.RemoveMyUserResponse, error) {
	return &authv1.RemoveMyUserResponse{}, f.called(ctx)
}

func (f *fake) called(ctx context.Context) error {
	info, _ := connect.CallInfoForHandlerContext(ctx)
	f.mu.Lock()
	f.calls++
	f.headers = append(f.headers, info.RequestHeader().Clone())
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(ctx, info.RequestHeader())
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.issued++
	n, issue := f.issued, f.issue
	f.assertions = append(f.assertions, r.PostFormValue("assertion"))
	f.mu.Unlock()
	if issue != nil {
		issue(w, r)
		return
	}
	giveToken(w, fmt.Sprintf("token-%d", n), 3600)
}

func giveToken(w http.ResponseWriter, token string, seconds int) {
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": seconds})
}

// counts returns how many calls and tokens were asked for.
func (f *fake) counts() (calls, issued int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls, f.issued
}

// authorizations returns those of the calls.
func (f *fake) authorizations() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, h := range f.headers {
		all = append(all, strings.TrimPrefix(h.Get("Authorization"), "Bearer "))
	}
	return strings.Join(all, " ")
}

// client returns a client whose pauses take no time.
func (f *fake) client(t *testing.T, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(t.Context(), f.URL, append([]client.Option{client.WithPauses(
		func(d time.Duration) time.Duration { return d },
		func(ctx context.Context, _ time.Duration) bool { return ctx.Err() == nil },
	)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func (f *fake) withKey() client.Option { return client.WithKey(f.key) }

// verify checks an assertion, and returns its claims.
func (f *fake) verify(t *testing.T, assertion string) jwt.Claims {
	t.Helper()
	parsed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(f.public, &claims); err != nil {
		t.Fatal(err)
	}
	if id := parsed.Headers[0].KeyID; id != f.keyID {
		t.Errorf("the key id is %q", id)
	}
	return claims
}

func read(t *testing.T, c *client.Client) error {
	t.Helper()
	_, err := c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
	return err
}

func write(t *testing.T, c *client.Client) error {
	t.Helper()
	_, err := c.Auth.RemoveMyUser(t.Context(), &authv1.RemoveMyUserRequest{})
	return err
}

func fail(code connect.Code) error { return connect.NewError(code, fmt.Errorf("as the test wants it")) }
