package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
)

// jwtBearer is the grant of the JWT profile (RFC 7523, 2.1).
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// maxForm bounds the body of a token request.
const maxForm = 64 << 10

// tokenAnswer is a successful answer of the token endpoint (RFC 6749, 5.1).
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	IDToken     string `json:"id_token,omitempty"`
	// Scope is set where it differs from what was asked for.
	Scope string `json:"scope,omitempty"`
}

// refusal is an error of the caller.
type refusal struct{ code, description string }

// Error returns the description.
func (r *refusal) Error() string { return r.description }

func (e *endpoints) token(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err == nil {
		var given tokenAnswer
		if given, err = e.grant(r.Context(), form); err == nil {
			answer(w, http.StatusOK, given)
			return
		}
	}
	var refused *refusal
	if errors.As(err, &refused) {
		refuse(w, http.StatusBadRequest, refused.code, refused.description)
		return
	}
	e.fail(w, r, err)
}

// grant answers a token request by its grant type.
func (e *endpoints) grant(ctx context.Context, form url.Values) (tokenAnswer, error) {
	kind, err := parameter(form, "grant_type")
	if err != nil {
		return tokenAnswer{}, err
	}
	if kind != jwtBearer {
		return tokenAnswer{}, &refusal{unsupportedGrantType, "the grant_type is not supported: " + jwtBearer + " is"}
	}
	assertion, err := parameter(form, "assertion")
	if err != nil {
		return tokenAnswer{}, err
	}
	scope, err := parameter(form, "scope")
	if err != nil {
		return tokenAnswer{}, err
	}
	return e.byAssertion(ctx, assertion, scope)
}

// byAssertion gives a token to the machine user who signed the assertion.
func (e *endpoints) byAssertion(ctx context.Context, assertion, scope string) (tokenAnswer, error) {
	issuer := caller.InstanceOf(ctx).Origin
	u, err := e.tokens.VerifyAssertion(ctx, assertion, issuer)
	if bad := fault.AssertionInvalid.With(); errors.Is(err, bad) {
		e.log.InfoContext(ctx, "an assertion was refused", "reason", errors.Unwrap(err))
		return tokenAnswer{}, &refusal{invalidGrant, bad.Message()}
	}
	if err != nil {
		return tokenAnswer{}, err
	}
	scopes, err := granted(scope, u)
	if err != nil {
		return tokenAnswer{}, err
	}
	given := tokenAnswer{TokenType: "Bearer", ExpiresIn: int64(token.Lifetime / time.Second)}
	if all := strings.Join(scopes, " "); all != scope {
		given.Scope = all
	}
	if slices.Contains(scopes, token.ScopeOpenID) {
		// The machine user is its own client.
		if given.IDToken, err = e.tokens.IDToken(ctx, u, issuer, u.UserID); err != nil {
			return tokenAnswer{}, err
		}
	}
	given.AccessToken, err = e.tokens.IssueAccessToken(ctx, u, scopes)
	return given, err
}

// The scopes that confine a token to an organization.
const (
	scopeOrganization       = "urn:zitadel:iam:org:id:"
	scopeOrganizationDomain = "urn:zitadel:iam:org:domain:primary:"
)

// granted returns which of the scopes asked for the token is good for. One
// that means nothing here is left out. One that confines the token must hold:
// to leave it out would give more than was asked for.
func granted(scope string, u *ent.User) ([]string, error) {
	scopes := []string{}
	for _, s := range strings.Split(scope, " ") {
		organization, confined := strings.CutPrefix(s, scopeOrganization)
		switch {
		case strings.ContainsFunc(s, func(c rune) bool { return c < '!' || c > '~' || c == '"' || c == '\\' }):
			return nil, &refusal{invalidScope, "a scope has a character that scopes do not have"}
		case confined && organization != u.ResourceOwner:
			return nil, &refusal{invalidScope, "the user does not belong to the organization of the scope"}
		case strings.HasPrefix(s, scopeOrganizationDomain):
			return nil, &refusal{invalidScope, "a token cannot be confined to a domain, only to an organization by its id"}
		case (s == token.ScopeOpenID || s == token.ScopeAPI || confined) && !slices.Contains(scopes, s):
			scopes = append(scopes, s)
		}
	}
	return scopes, nil
}

// readForm reads the parameters, which are in the body only. It returns a
// refusal for another content type, a malformed or too large body, and a
// parameter sent twice (RFC 6749, 3.2), and fault.DeadlinePassed for a body that
// did not come in time.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, &refusal{invalidRequest, "the content type must be application/x-www-form-urlencoded"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &refusal{invalidRequest, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fault.DeadlinePassed.With().Because(err)
	}
	if err != nil {
		return nil, &refusal{invalidRequest, "the body could not be read"}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &refusal{invalidRequest, "the body is not a form"}
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, &refusal{invalidRequest, "a parameter is sent more than once"}
		}
	}
	return form, nil
}

// parameter returns the value of a required parameter. One without a value
// counts as left out (RFC 6749, 3.2).
func parameter(form url.Values, name string) (string, error) {
	value := form.Get(name)
	if value == "" {
		return "", &refusal{invalidRequest, "the parameter " + name + " is missing"}
	}
	return value, nil
}
