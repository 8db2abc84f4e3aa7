package oauth_test

import (
	"context"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	directory "github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// A client swaps a token that was meant for it for one of its own.
func TestExchange(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		source := w.tokenFor(t, w.user, w.app, w.until(time.Hour))
		before, err := d.Store.Position(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		got := w.exchanged(t, exchangeOf(source.Token))
		given, _ := got["access_token"].(string)
		want := map[string]any{
			"access_token": given, "issued_token_type": accessType, "token_type": "Bearer",
			"expires_in": 3600.0, "scope": scopes,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the answer is %v", got)
		}
		b := w.bearer(t, given)
		if b.UserID != w.user.UserID || b.ClientID != w.app.ClientID || b.Actor != nil || !b.ExpiresAt.Equal(source.ExpiresAt) ||
			!slices.Contains(b.Audience, w.app.ClientID) || slices.Contains(b.Audience, w.user.UserID) {
			t.Errorf("the token is %+v", b)
		}
		c, err := d.Tokens.Authenticate(w.ctx, given, nil)
		if err != nil || c.ID != w.user.UserID {
			t.Errorf("the caller is %+v, the error %v", c, err)
		}
		if after, err := d.Store.Position(w.ctx); err != nil || after != before {
			t.Errorf("the position went from %d to %d, the error %v", before, after, err)
		}
		if !w.valid(source.Token) {
			t.Error("the token that was exchanged is gone")
		}
	})
}

// A new token is good for what was asked for, and for no more than the one that
// it is got with.
func TestExchangeNarrows(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		confined := "urn:zitadel:iam:org:id:" + w.home.OrganizationID
		project := w.app.project.ProjectID
		source := w.tokenFor(t, w.user, w.app, func(g *token.Grant) {
			g.Scopes = []string{token.ScopeOpenID, token.ScopeAPI, confined}
			g.Audience = append(g.Audience, project, "zitadel")
		}).Token
		plain := w.tokenFor(t, w.user, w.app, func(g *token.Grant) { g.Scopes = []string{"profile"} }).Token
		for name, c := range map[string]struct {
			values   url.Values
			scopes   string
			audience []string // that it has, and no other but the client and the APIs
		}{
			"everything":              {exchangeOf(source), scopes + " " + confined, nil},
			"fewer scopes":            {exchangeOf(source, "scope", "openid"), "openid " + confined, nil},
			"unknown scopes":          {exchangeOf(source, "scope", "openid x y:z"), "openid " + confined, nil},
			"scopes of information":   {exchangeOf(plain, "scope", "profile x"), "profile", nil},
			"an audience":             {with(exchangeOf(source), "audience", project), "openid " + confined, []string{project}},
			"an audience twice":       {with(exchangeOf(source), "audience", project, project, ""), "openid " + confined, []string{project}},
			"two audiences":           {with(exchangeOf(source), "audience", project, "zitadel"), scopes + " " + confined, []string{project, "zitadel"}},
			"itself":                  {with(exchangeOf(source), "audience", w.app.ClientID), "openid " + confined, nil},
			"another organization's":  {exchangeOf(source, "scope", "openid urn:zitadel:iam:org:id:1"), "", nil},
			"a scope more":            {exchangeOf(plain, "scope", scopes), "", nil},
			"an audience more":        {with(exchangeOf(plain), "audience", project), "", nil},
			"the APIs more":           {with(exchangeOf(plain), "audience", "zitadel"), "", nil},
			"an audience of two more": {with(exchangeOf(source), "audience", project, "x"), "", nil},
			"a resource":              {with(exchangeOf(source), "resource", "https://acme.example"), "", nil},
			"two resources":           {with(exchangeOf(source), "resource", "https://acme.example", "https://b.example"), "", nil},
		} {
			t.Run(name, func(t *testing.T) {
				if c.scopes == "" {
					code := "invalid_target"
					if c.values.Has("scope") {
						code = "invalid_scope"
					}
					w.refused(t, w.app, c.values, code)
					return
				}
				b := w.bearer(t, w.exchanged(t, c.values)["access_token"])
				if got := strings.Join(b.Scopes, " "); got != c.scopes {
					t.Errorf("the scopes are %s", got)
				}
				for _, a := range c.audience {
					if !slices.Contains(b.Audience, a) {
						t.Errorf("%s is not in the audience %v", a, b.Audience)
					}
				}
				for _, a := range b.Audience {
					if a != w.app.ClientID && !slices.Contains(c.audience, a) && !(a == "zitadel" && slices.Contains(b.Scopes, token.ScopeAPI)) {
						t.Errorf("%s is in the audience", a)
					}
				}
			})
		}
	})
}

// with returns a form with the values of a parameter.
func with(values url.Values, name string, all ...string) url.Values {
	values[name] = all
	return values
}

// Which form the new token has is said, or configured.
func TestExchangeType(t *testing.T) {
	w := newExchangeWorld(t, tokentest.SQLite(t, nil))
	opaque, signed := w.app, w.newApp(t, w.home, exchanging(1))
	for name, c := range map[string]struct {
		app             testApp
		requested, want string
	}{
		"configured":        {opaque, "", accessType},
		"configured as JWT": {signed, "", jwtType},
		"JWT":               {opaque, jwtType, jwtType},
		"opaque":            {signed, accessType, accessType},
	} {
		t.Run(name, func(t *testing.T) {
			w.app = c.app
			got := w.exchanged(t, exchangeOf(w.tokenFor(t, w.user, c.app).Token, "requested_token_type", c.requested))
			if got["issued_token_type"] != c.want || got["token_type"] != "Bearer" {
				t.Errorf("the answer is %v", got)
			}
		})
	}
}

// A parameter that is missing or bad is named.
func TestExchangeParameters(t *testing.T) {
	w := newExchangeWorld(t, tokentest.SQLite(t, nil))
	source := w.tokenFor(t, w.user, w.app).Token
	const idToken, refreshToken = "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:refresh_token"
	for name, c := range map[string]struct {
		values url.Values
		named  string
	}{
		"no subject_token":            {exchangeOf(""), "subject_token"},
		"no subject_token_type":       {exchangeOf(source, "subject_token_type", ""), "subject_token_type"},
		"an ID token":                 {exchangeOf(source, "subject_token_type", idToken), accessType},
		"a refresh token":             {exchangeOf(source, "subject_token_type", refreshToken), jwtType},
		"an unknown type":             {exchangeOf(source, "subject_token_type", "x"), "subject_token_type"},
		"an actor without a type":     {exchangeOf(source, "actor_token", source), "actor_token_type"},
		"a type without an actor":     {exchangeOf(source, "actor_token_type", accessType), "actor_token"},
		"an actor by id":              {exchangeOf(source, "actor_token", "1", "actor_token_type", userIDType), accessType},
		"an ID token as actor":        {exchangeOf(source, "actor_token", source, "actor_token_type", idToken), accessType},
		"a user without an actor":     {exchangeOf(w.user.UserID, "subject_token_type", userIDType), "actor_token"},
		"an ID token requested":       {exchangeOf(source, "requested_token_type", idToken), "requested_token_type"},
		"a refresh token requested":   {exchangeOf(source, "requested_token_type", refreshToken), "requested_token_type"},
		"two subjects":                {with(exchangeOf(""), "subject_token", source, source), "more than once"},
		"two scopes":                  {with(exchangeOf(source), "scope", "openid", "openid"), "more than once"},
		"two grant types":             {with(exchangeOf(source), "grant_type", exchangeGrant, exchangeGrant), "more than once"},
		"two audiences, other grant":  {with(exchangeOf(source, "grant_type", bearer), "audience", "a", "b"), "more than once"},
		"a subject that is no text":   {impersonate(&ent.User{UserID: "\x00"}, source), "U+0000"},
		"a subject that is not UTF-8": {impersonate(&ent.User{UserID: "\xff"}, source), "UTF-8"},
		"a subject of any length":     {impersonate(&ent.User{UserID: strings.Repeat("1", 10000)}, source), "subject_token"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.refused(t, w.app, c.values, "invalid_request"); !strings.Contains(got, c.named) {
				t.Errorf("the description is %s", got)
			}
		})
	}
	w.refused(t, w.app, exchangeOf(source, "scope", "a\tb"), "invalid_scope")
}

// Only a client that authenticates, and is configured to, exchanges tokens.
func TestExchangeClient(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		other := w.newApp(t, w.home, directory.OIDC{GrantTypes: []int32{directory.GrantAuthorizationCode}})
		api := w.newApp(t, w.home, directory.API(directory.APIBasic))
		secret := token.NewMachineSecret()
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := secret.Save(ctx, tx, w.user)
			return err
		})
		machine := testApp{Application: &ent.Application{ClientID: w.user.UserID}, secret: secret.Secret}
		wrong := testApp{Application: w.app.Application, secret: other.secret}
		values := exchangeOf(w.tokenFor(t, w.user, w.app, func(g *token.Grant) {
			g.Audience = []string{w.app.ClientID, other.ClientID, api.ClientID, w.user.UserID}
		}).Token)
		w.refused(t, testApp{}, values, "invalid_client")
		w.refused(t, wrong, values, "invalid_client")
		w.refused(t, other, values, "unauthorized_client")
		w.refused(t, api, values, "unauthorized_client")
		w.refused(t, machine, values, "unauthorized_client")

		given := w.exchanged(t, values)["access_token"]
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := directory.Deactivate(ctx, tx, w.app.project, w.app.Application)
			return err
		})
		w.refused(t, w.app, values, "invalid_client")
		if w.valid(given) {
			t.Error("the token of a client that was deactivated is valid")
		}
	})
}

// No token is exchanged that is not valid, is not what its type says, or was not
// meant for the client; all have one answer.
func TestExchangeBadTokens(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		foreignApp := w.newApp(t, d.Organization(t, w.ctx, w.instance), exchanging(0))
		_, actorToken := w.impersonator(t, "IAM_ADMIN_IMPERSONATOR")
		pat := d.PersonalAccessToken(t, w.ctx, w.user, 0).Token
		good := w.tokenFor(t, w.user, w.app).Token
		w.exchanged(t, exchangeOf(good, "actor_token", actorToken.Token, "actor_token_type", accessType))

		elsewhere := newExchangeWorld(t, d)
		strangerHome := d.Organization(t, w.ctx, w.instance)
		stranger := d.Machine(t, w.ctx, strangerHome)
		inactive := d.Machine(t, w.ctx, w.home)
		inactiveToken := w.tokenFor(t, inactive, w.app).Token
		d.SetUserState(t, w.ctx, inactive, user.StateInactive)
		closed := d.Organization(t, w.ctx, w.instance)
		closedToken := w.tokenFor(t, d.Machine(t, w.ctx, closed), w.app).Token
		d.SetOrganizationState(t, w.ctx, closed, organization.StateInactive)
		revoked := w.tokenFor(t, w.user, w.app).Token
		if err := d.Tokens.Revoke(w.ctx, revoked, token.Client{ID: w.user.UserID, UserKey: w.user.ID}); err != nil {
			t.Fatal(err)
		}
		early := func(g *token.Grant) { w.until(time.Minute)(g) }
		expired := w.tokenFor(t, w.user, w.app, early).Token
		expiredPAT := d.PersonalAccessToken(t, w.ctx, w.user, time.Minute).Token
		d.Clock.Advance(2 * time.Minute)

		answers := map[string]bool{}
		for name, c := range map[string]struct{ text, kind string }{
			"revoked":                      {revoked, accessType},
			"expired":                      {expired, accessType},
			"a personal one that expired":  {expiredPAT, accessType},
			"of a deactivated user":        {inactiveToken, accessType},
			"of a closed organization":     {closedToken, accessType},
			"of another instance":          {elsewhere.tokenFor(t, elsewhere.user, elsewhere.app).Token, accessType},
			"cut":                          {good[:len(good)-1], accessType},
			"garbage":                      {"x", accessType},
			"a JWT of nobody":              {w.assertion(t), jwtType},
			"an assertion":                 {w.assertion(t), accessType},
			"opaque, sent as a JWT":        {good, jwtType},
			"personal, sent as a JWT":      {pat, jwtType},
			"the secret of the client":     {w.app.secret, accessType},
			"the secret of a machine":      {token.NewMachineSecret().Secret, accessType},
			"for another application":      {w.tokenFor(t, w.user, foreignApp).Token, accessType},
			"for nobody":                   {w.tokenFor(t, w.user, w.app, func(g *token.Grant) { g.Audience = nil }).Token, accessType},
			"of an application itself":     {w.applicationToken(t), accessType},
			"a personal one of a stranger": {d.PersonalAccessToken(t, w.ctx, stranger, 0).Token, accessType},
		} {
			t.Run(name, func(t *testing.T) {
				got := w.refused(t, w.app, exchangeOf(c.text, "subject_token_type", c.kind), "invalid_request")
				answers[got] = true
				got = w.refused(t, w.app, exchangeOf(good, "actor_token", c.text, "actor_token_type", c.kind), "invalid_request")
				answers[strings.Replace(got, "actor_token", "subject_token", 1)] = true
			})
		}
		if len(answers) != 1 {
			t.Errorf("the answers are %v", answers)
		}
		if log := w.log.String(); strings.Contains(log, good) || strings.Contains(log, pat) || strings.Contains(log, revoked) || !strings.Contains(log, "not meant for the client") {
			t.Errorf("the log is %s", log)
		}
	})
}

// applicationToken returns a token that stands for the application itself.
func (w *exchangeWorld) applicationToken(t *testing.T) string {
	t.Helper()
	issued, err := w.Tokens.Issue(w.ctx, token.Grant{Client: w.app.client(), Audience: []string{w.app.ClientID}})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Token
}

// Whom a token is meant for: its audience; a personal access token, the
// applications of the user's organization and of projects with a grant.
func TestExchangeMeantFor(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		w.exchanged(t, exchangeOf(w.tokenFor(t, w.user, w.app, func(g *token.Grant) { g.Audience = []string{w.app.project.ProjectID} }).Token))
		own := d.PersonalAccessToken(t, w.ctx, w.user, time.Hour).Token
		if got := w.exchanged(t, exchangeOf(own)); got["expires_in"] != 3600.0 || !w.valid(got["access_token"]) {
			t.Errorf("the answer is %v", got)
		}
		stranger := d.Machine(t, w.ctx, d.Organization(t, w.ctx, w.instance))
		pat := d.PersonalAccessToken(t, w.ctx, stranger, 0).Token
		w.refused(t, w.app, exchangeOf(pat), "invalid_request")
		var given *ent.UserGrant
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if _, err = grant.Add(ctx, tx, "g1", w.app.project, stranger, nil); err != nil {
				return err
			}
			given, err = tx.UserGrant.Query().Only(ctx)
			return err
		})
		w.exchanged(t, exchangeOf(pat))
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			row, err := grant.Lock(ctx, tx, grant.Of(w.home.OrganizationID, given.GrantID))
			if err != nil {
				return err
			}
			_, err = grant.Deactivate(ctx, tx, row)
			return err
		})
		w.refused(t, w.app, exchangeOf(pat), "invalid_request")
	})
}
