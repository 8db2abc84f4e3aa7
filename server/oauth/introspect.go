package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/token"
)

// inactive is all that is said of a token that is not active, or not for the
// eyes of who asks (RFC 7662, 2.2).
var inactive = claims{"active": false}

// introspect tells an application about a token (RFC 7662).
func (e *endpoints) introspect(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	var told claims
	if err == nil {
		told, err = e.introspection(r.Context(), tokenRequest{http: r, form: form})
	}
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, told)
}

// introspection returns what the client may know about the token of a request.
// It returns a refusal if the client is no application or names no token. A
// token_type_hint changes nothing: all tokens are found alike.
func (e *endpoints) introspection(ctx context.Context, r tokenRequest) (claims, error) {
	c, err := e.client(ctx, r)
	if err != nil {
		return nil, err
	}
	if c.ApplicationKey == 0 {
		return nil, noResourceServer(r.http)
	}
	text, err := parameter(r.form, "token")
	if err != nil {
		return nil, err
	}
	b, err := e.tokens.Bearer(ctx, text)
	if errors.Is(err, fault.TokenInvalid.With()) {
		return inactive, nil
	}
	if err != nil {
		return nil, err
	}
	in, may, err := e.mayLookAt(ctx, c, b)
	if err != nil || !may {
		return inactive, err
	}
	e.tokens.NoteUse(ctx, b)
	return e.describe(ctx, c, b, in)
}

// noResourceServer is the refusal of a machine user, which has no resources that
// tokens are for.
func noResourceServer(r *http.Request) error {
	refused := &refusal{status: http.StatusUnauthorized, code: invalidClient, description: "only an application may look at tokens"}
	if r.Header.Get("Authorization") != "" {
		refused.challenge = `Basic realm="applications"` // RFC 6749, 5.2
	}
	return refused
}

// mayLookAt reports whether a token is for the eyes of an application: the
// application or its project is in the audience, and the project lets in whom
// the token stands for, now as when it was given. A personal access token has no
// audience. It may be looked at where its user has a grant, and at home. It
// returns what the user is granted in the project, and the errors of the
// database.
func (e *endpoints) mayLookAt(ctx context.Context, c token.Client, b token.Bearer) (in authorization, may bool, err error) {
	personal := b.Kind == id.PersonalAccessToken
	if !personal && !addressed(c, b) {
		return in, false, nil
	}
	in, found, err := e.claims.project(ctx, b.UserKey, c.ProjectID)
	switch {
	case err != nil || !found:
		return in, false, err
	case personal && !in.granted && c.OrganizationID != b.OrganizationID:
		return in, false, nil
	case b.UserKey == 0:
		may, err = e.letsInApplication(ctx, in, c.ProjectID, b)
		return in, may, err
	}
	return in, in.letsIn(b.OrganizationID), nil
}

// addressed reports whether an application or its project is in the audience of
// a token.
func addressed(c token.Client, b token.Bearer) bool {
	return slices.ContainsFunc(others(b), func(name string) bool {
		return name != "" && (name == c.ID || name == c.ProjectID)
	})
}

// others returns the audience of a token without the user who got it itself: the
// id of a user is no client's, and no project's, whoever chose it.
func others(b token.Bearer) []string {
	return slices.DeleteFunc(slices.Clone(b.Audience), func(name string) bool {
		return b.ApplicationKey == 0 && name == b.ClientID
	})
}

// letsInApplication reports whether a project lets in an application that a
// token stands for, by the rule of mayAddress.
func (e *endpoints) letsInApplication(ctx context.Context, in authorization, projectID string, b token.Bearer) (bool, error) {
	if in.letsIn("") {
		return true, nil // it checks nothing
	}
	own, err := e.claims.clientProject(ctx, b)
	if err != nil || own == projectID {
		return err == nil, err
	}
	home, found, err := e.claims.project(ctx, 0, own)
	return found && in.letsIn(home.owner), err
}

// describe returns what is said of an active token (RFC 7662, 2.2). The roles in
// the application's own project, which the user has by own, are what it asks for;
// those in other projects of the audience are told if the token was to tell them.
func (e *endpoints) describe(ctx context.Context, c token.Client, b token.Bearer, own authorization) (claims, error) {
	told := claims{}
	if b.UserKey != 0 {
		a := about{userKey: b.UserKey, asks: readScopes(b.Scopes), personal: true, metadata: maxMetadata}
		if a.asks.roles() {
			a.roles = otherProjects(b.Audience, b.ClientID, c.ID, c.ProjectID)
		}
		var err error
		if told, err = e.claims.of(ctx, a); err != nil {
			return nil, err
		}
		own.tell(told, a.asks, inProject{projectID: c.ProjectID, own: true})
	}
	if name, ok := told["preferred_username"]; ok {
		told["username"] = name
	}
	if b.Actor != nil {
		told["act"] = b.Actor // RFC 8693, 4.1
	}
	told["active"] = true
	told["scope"] = strings.Join(b.Scopes, " ")
	told["client_id"] = b.ClientID
	told["token_type"] = oidc.BearerToken
	told["iss"] = caller.InstanceOf(ctx).Origin
	told["sub"] = b.Subject()
	told["jti"] = b.TokenID
	told["iat"] = b.CreatedAt.Unix()
	told["nbf"] = b.CreatedAt.Unix()
	if b.ExpiresAt != nil {
		told["exp"] = b.ExpiresAt.Unix()
	}
	if len(b.Audience) > 0 {
		told["aud"] = b.Audience
	}
	return told, nil
}
