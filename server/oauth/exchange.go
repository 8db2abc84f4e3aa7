package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	entapplication "github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// userIDType is the type of a subject_token that is the id of a user, whom the
// actor impersonates.
const userIDType oidc.TokenType = "urn:zitadel:params:oauth:token-type:user_id"

// mayRepeat reports whether a parameter may be sent more than once: the targets
// of an exchange may (RFC 8693, 2.1).
func mayRepeat(form url.Values, name string) bool {
	return (name == "audience" || name == "resource") && form.Get("grant_type") == string(oidc.GrantTypeTokenExchange)
}

// exchange is a request for a token in place of another one.
type exchange struct {
	client token.Client
	// subject is the user whom the new token stands for.
	subject subject
	// actor is who is to act for the user; nil for nobody else.
	actor *token.Bearer
	// requested is the type of the new token.
	requested oidc.TokenType
	scope     string
	audience  []string
	// confinedTo is the organization that the new token is confined to; empty for
	// none.
	confinedTo string
}

// subject is a user whom a token stands for, or whom an actor named.
type subject struct {
	key                int64
	id, organizationID string
	// token is nil where the actor named the user.
	token *token.Bearer
}

// source returns the token that bounds what the new one is good for.
func (x exchange) source() token.Bearer {
	if x.subject.token != nil {
		return *x.subject.token
	}
	return *x.actor
}

// proofs returns the ids of the token that the new one is got with, and of
// another one if there are two. It ends with either.
func (x exchange) proofs() (credential, other string) {
	switch {
	case x.actor == nil:
		return x.subject.token.TokenID, ""
	case x.subject.token == nil:
		return x.actor.TokenID, ""
	}
	return x.actor.TokenID, x.subject.token.TokenID
}

// sources returns the tokens of the request.
func (x exchange) sources() []token.Bearer {
	var all []token.Bearer
	for _, b := range []*token.Bearer{x.subject.token, x.actor} {
		if b != nil {
			all = append(all, *b)
		}
	}
	return all
}

// tokenExchange gives an application a token in place of one that was meant for
// it: for the same user, or for a user whom the actor may impersonate (RFC 8693).
func (e *endpoints) tokenExchange(ctx context.Context, r tokenRequest) (tokenAnswer, error) {
	c, err := e.client(ctx, r)
	if err != nil {
		return tokenAnswer{}, err
	}
	if err := checkExchanges(c); err != nil {
		return tokenAnswer{}, err
	}
	x, err := e.readExchange(ctx, c, r.form)
	if err != nil {
		return tokenAnswer{}, err
	}
	g := token.Grant{
		Client: c, UserKey: x.subject.key, UserID: x.subject.id,
		Until: earliest(x.sources()), JWT: x.requested == oidc.JWTTokenType,
	}
	g.Credential, g.Source = x.proofs()
	if g.Actor, err = x.act(caller.InstanceOf(ctx).Origin); err != nil {
		return tokenAnswer{}, err
	}
	if err := e.confine(ctx, &g, x); err != nil {
		return tokenAnswer{}, err
	}
	// There is no ID token: nobody has authenticated.
	given, issued, err := e.giveAccess(ctx, g, x.scope)
	if err != nil {
		return tokenAnswer{}, err
	}
	given.IssuedTokenType = x.requested
	return given, e.settle(ctx, x, issued)
}

// checkExchanges returns a refusal for a client that is not configured to
// exchange tokens.
func checkExchanges(c token.Client) error {
	refused := &refusal{code: unauthorizedClient, description: "only an OpenID Connect application with the grant type token exchange may exchange tokens"}
	if c.Kind != entapplication.KindOidc {
		return refused
	}
	var configured application.OIDC
	if err := json.Unmarshal(c.Settings, &configured); err != nil {
		return err
	}
	if !slices.Contains(configured.GrantTypes, application.GrantTokenExchange) {
		return refused
	}
	return nil
}

// readExchange reads the parameters (RFC 8693, 2.1) and verifies the tokens.
func (e *endpoints) readExchange(ctx context.Context, c token.Client, form url.Values) (exchange, error) {
	x := exchange{client: c, scope: form.Get("scope"), audience: given(form["audience"]), requested: oidc.AccessTokenType}
	if c.JWT {
		x.requested = oidc.JWTTokenType
	}
	var err error
	if form.Get("requested_token_type") != "" {
		if x.requested, err = typeOf(form, "requested_token_type", oidc.AccessTokenType, oidc.JWTTokenType); err != nil {
			return x, err
		}
	}
	if len(given(form["resource"])) > 0 {
		return x, &refusal{code: invalidTarget, description: "no resource is known by a URI: name clients and projects by the parameter audience"}
	}
	text, err := parameter(form, "subject_token")
	if err != nil {
		return x, err
	}
	kind, err := typeOf(form, "subject_token_type", oidc.AccessTokenType, oidc.JWTTokenType, userIDType)
	if err != nil {
		return x, err
	}
	if x.actor, err = e.actorOf(ctx, c, form); err != nil {
		return x, err
	}
	if kind != userIDType {
		b, err := e.verified(ctx, c, "subject_token", text, kind)
		if err != nil {
			return x, err
		}
		x.subject = subject{key: b.UserKey, id: b.UserID, organizationID: b.OrganizationID, token: &b}
	} else if x.subject, err = e.named(ctx, text); err != nil {
		return x, err
	}
	return x, e.checkImpersonates(ctx, x)
}

// actorOf returns whom the actor_token of a request stands for; nil if it has
// none.
func (e *endpoints) actorOf(ctx context.Context, c token.Client, form url.Values) (*token.Bearer, error) {
	text := form.Get("actor_token")
	if text == "" {
		if form.Get("actor_token_type") != "" {
			return nil, &refusal{code: invalidRequest, description: "the parameter actor_token_type comes with an actor_token only"}
		}
		return nil, nil
	}
	kind, err := typeOf(form, "actor_token_type", oidc.AccessTokenType, oidc.JWTTokenType)
	if err != nil {
		return nil, err
	}
	b, err := e.verified(ctx, c, "actor_token", text, kind)
	if err == nil && b.Actor != nil {
		// Else whoever impersonates somebody could go on to whom only that one may.
		err = &refusal{code: invalidRequest, description: "the actor_token stands for a user who is impersonated: an actor acts for itself"}
	}
	return &b, err
}

// typeOf returns the type that a required parameter names, one of the supported.
func typeOf(form url.Values, name string, supported ...oidc.TokenType) (oidc.TokenType, error) {
	text, err := parameter(form, name)
	if err != nil {
		return "", err
	}
	if kind := oidc.TokenType(text); slices.Contains(supported, kind) {
		return kind, nil
	}
	names := make([]string, len(supported))
	for i, kind := range supported {
		names[i] = string(kind)
	}
	return "", &refusal{code: invalidRequest, description: "the " + name + " is not supported; these are: " + strings.Join(names, ", ")}
}

// given returns the values of a parameter that are not empty, each once.
func given(values []string) []string {
	var all []string
	for _, value := range values {
		if value != "" && !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// Why a token is not exchanged. The reasons are for the log only.
var (
	errNoJWT   = errors.New("it is no JWT, as its type says")
	errForeign = errors.New("it was not meant for the client")
	errNoUser  = errors.New("it stands for no user")
)

// verified returns whom a token of the request stands for, which the parameter
// has: a user, as the client may know. All refusals are alike.
func (e *endpoints) verified(ctx context.Context, c token.Client, parameter, text string, kind oidc.TokenType) (token.Bearer, error) {
	b, err := e.tokens.Bearer(ctx, text)
	reason := err
	switch {
	case err != nil && !errors.Is(err, fault.Unauthenticated):
		return b, err
	case err != nil:
	case kind == oidc.JWTTokenType && !token.IsJWT(text):
		reason = errNoJWT
	case b.UserKey == 0:
		reason = errNoUser
	default:
		// Who exchanged a foreign token could use what its holder never gave it.
		_, meant, err := e.mayLookAt(ctx, c, b)
		if err != nil {
			return b, err
		}
		if meant {
			e.tokens.NoteUse(ctx, b)
			return b, nil
		}
		reason = errForeign
	}
	e.log.InfoContext(ctx, "a token was not exchanged", "parameter", parameter, "client", c.ID, "reason", reason)
	return b, &refusal{code: invalidRequest, description: "the " + parameter + " is not valid, or not for this client"}
}

// earliest returns when the first of the tokens ends; nil if none does.
func earliest(tokens []token.Bearer) *time.Time {
	var first *time.Time
	for _, b := range tokens {
		if b.ExpiresAt != nil && (first == nil || b.ExpiresAt.Before(*first)) {
			first = b.ExpiresAt
		}
	}
	return first
}

// settle makes sure that the tokens of the request were not taken back while
// the new one was issued, which nobody has yet, and records who impersonates
// whom. A token that is refused here is of no use to anybody, and is swept when
// it expires.
func (e *endpoints) settle(ctx context.Context, x exchange, issued token.AccessToken) error {
	tokens := x.sources()
	users := map[int64]store.Object{x.subject.key: x.subject.object()}
	for _, b := range tokens {
		users[b.UserKey] = b.User()
	}
	if x.actor != nil {
		ctx = caller.With(ctx, x.actor.Caller())
	}
	err := e.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockInOrder(ctx, tx, users); err != nil {
			return err
		}
		for _, b := range tokens {
			if kept, err := b.Keep(ctx, tx); err != nil {
				return err
			} else if !kept {
				return &refusal{code: invalidRequest, description: "a token of the request has just been taken back"}
			}
		}
		if x.actor == nil {
			return nil
		}
		_, err := tx.Record(ctx, store.UserImpersonated, x.subject.object(), store.Payload{Public: map[string]any{
			"actorId": x.actor.UserID, "clientId": x.client.ID, "tokenId": issued.ID,
		}})
		return err
	})
	if errors.Is(err, fault.NotFound) {
		err = errDenied // the user has just been removed
	}
	return err
}
