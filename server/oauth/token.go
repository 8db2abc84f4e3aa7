package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
)

// tokenAnswer is a successful answer of the token endpoint (RFC 6749, 5.1, and
// RFC 8693, 2.2.1).
type tokenAnswer struct {
	AccessToken     string         `json:"access_token"`
	IssuedTokenType oidc.TokenType `json:"issued_token_type,omitempty"`
	TokenType       string         `json:"token_type"`
	ExpiresIn       int64          `json:"expires_in"`
	IDToken         string         `json:"id_token,omitempty"`
	// Scope is set where it differs from what was asked for.
	Scope string `json:"scope,omitempty"`
}

// tokenRequest is a request to the token endpoint.
type tokenRequest struct {
	http *http.Request
	form url.Values
}

// grants answer token requests, by grant type.
func (e *endpoints) grants() map[oidc.GrantType]func(context.Context, tokenRequest) (tokenAnswer, error) {
	return map[oidc.GrantType]func(context.Context, tokenRequest) (tokenAnswer, error){
		oidc.GrantTypeBearer:            e.jwtProfile,
		oidc.GrantTypeClientCredentials: e.clientCredentials,
		oidc.GrantTypeTokenExchange:     e.tokenExchange,
	}
}

// grantTypes are those of the token endpoint, in the order in which they are
// told.
var grantTypes = []oidc.GrantType{oidc.GrantTypeBearer, oidc.GrantTypeClientCredentials, oidc.GrantTypeTokenExchange}

func (e *endpoints) token(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	var given tokenAnswer
	if err == nil {
		given, err = e.grant(r.Context(), tokenRequest{http: r, form: form})
	}
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, given)
}

// grant answers a token request by its grant type.
func (e *endpoints) grant(ctx context.Context, r tokenRequest) (tokenAnswer, error) {
	kind, err := parameter(r.form, "grant_type")
	if err != nil {
		return tokenAnswer{}, err
	}
	handle := e.byGrant[oidc.GrantType(kind)]
	if handle == nil {
		return tokenAnswer{}, &refusal{code: unsupportedGrantType, description: "the grant_type is not supported: the discovery document lists those that are"}
	}
	return handle(ctx, r)
}

// give issues what was granted: an access token, and an ID token where the
// scopes have openid. asked is the scope parameter of the request.
func (e *endpoints) give(ctx context.Context, g token.Grant, asked string) (tokenAnswer, error) {
	g.Issuer = caller.InstanceOf(ctx).Origin
	var idToken string
	if g.UserID != "" && slices.Contains(g.Scopes, oidc.ScopeOpenID) {
		claims, err := e.idTokenClaims(ctx, g)
		if err != nil {
			return tokenAnswer{}, err
		}
		audience, err := e.idTokenAudience(ctx, g.Client)
		if err != nil {
			return tokenAnswer{}, err
		}
		if idToken, err = e.tokens.IDToken(ctx, g.Subject(), g.Issuer, audience, claims); err != nil {
			return tokenAnswer{}, err
		}
	}
	given, _, err := e.giveAccess(ctx, g, asked)
	given.IDToken = idToken
	return given, err
}

// idTokenAudience returns the client id as the client knows it, with which it
// compares the audience (OpenID Connect Core 1.0, 3.1.3.7). A login name, which
// its owner chose, never stands for the application that has it as its client id,
// nor for a project or the APIs: the ID token would be good there. It returns the errors of the database.
func (e *endpoints) idTokenAudience(ctx context.Context, c token.Client) (string, error) {
	if c.Presented == "" || c.Presented == apiAudience {
		return c.ID, nil
	}
	taken, err := e.store.Read().Application.Query().Where(application.ClientID(c.Presented)).Exist(ctx)
	if err == nil && !taken {
		taken, err = e.store.Read().Project.Query().Where(project.ProjectID(c.Presented)).Exist(ctx)
	}
	if taken {
		return c.ID, err
	}
	return c.Presented, err
}

// giveAccess is give without an ID token. It also returns the token that it
// issued.
func (e *endpoints) giveAccess(ctx context.Context, g token.Grant, asked string) (tokenAnswer, token.AccessToken, error) {
	g.Issuer = caller.InstanceOf(ctx).Origin
	given := tokenAnswer{TokenType: oidc.BearerToken}
	if all := strings.Join(g.Scopes, " "); all != asked {
		given.Scope = all
	}
	if g.JWT {
		var err error
		if g.Claims, err = e.accessTokenClaims(ctx, g); err != nil {
			return tokenAnswer{}, token.AccessToken{}, err
		}
	}
	issued, err := e.tokens.Issue(ctx, g)
	if err != nil {
		return tokenAnswer{}, token.AccessToken{}, refusalOf(err)
	}
	given.AccessToken = issued.Token
	// A second that has begun counts: it took a moment to get here.
	given.ExpiresIn = int64((issued.ExpiresAt.Sub(e.store.Now()) + time.Second - 1) / time.Second)
	return given, issued, nil
}

// refusalOf returns what a client is told of a token that was not issued because
// of what was asked for. Any other error it returns as it is.
func refusalOf(err error) error {
	var known *fault.Fault
	switch {
	case !errors.As(err, &known):
		return err
	case errors.Is(err, fault.GrantInvalid.With()):
		return &refusal{code: invalidGrant, description: known.Message()}
	case errors.Is(err, fault.TokenTooLarge.With()):
		return &refusal{code: invalidScope, description: known.Message()}
	}
	return err
}
