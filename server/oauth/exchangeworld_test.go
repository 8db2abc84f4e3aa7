package oauth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	entorganization "github.com/bastide-id/bastide/ent/organization"
	entproject "github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
	userIDType    = "urn:zitadel:params:oauth:token-type:user_id"
)

// testApp is an application with its secret, and the project that it is of.
type testApp struct {
	*ent.Application
	secret  string
	project *ent.Project
}

// client returns the application as a client of the endpoints.
func (a testApp) client() token.Client {
	return token.Client{ID: a.ClientID, ApplicationKey: a.ID, AuthMethod: a.AuthMethod, ProjectID: a.project.ProjectID}
}

// exchangeWorld is an instance with an organization, whose application may
// exchange tokens.
type exchangeWorld struct {
	*endpoint
	instance *ent.Instance
	home     *ent.Organization
	app      testApp
}

func newExchangeWorld(t *testing.T, d *tokentest.Directory) *exchangeWorld {
	t.Helper()
	w := &exchangeWorld{endpoint: newEndpoint(t, d)}
	var err error
	if w.instance, err = d.Store.Read().Instance.Query().Only(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.home, err = d.Store.Read().Organization.Query().Where(entorganization.OrganizationID(w.user.ResourceOwner)).Only(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.app = w.newApp(t, w.home, exchanging(0))
	return w
}

// exchanging returns the configuration of a client that may exchange tokens, and
// gets those of a type.
func exchanging(tokenType int32) application.OIDC {
	return application.OIDC{GrantTypes: []int32{application.GrantTokenExchange}, AccessTokenType: tokenType}
}

// newApp adds an application to a project of its own; c is an application.OIDC
// or an application.Config.
func (w *exchangeWorld) newApp(t *testing.T, o *ent.Organization, c any) testApp {
	t.Helper()
	config, ok := c.(application.Config)
	if !ok {
		var err error
		if config, err = c.(application.OIDC).Config(); err != nil {
			t.Fatal(err)
		}
	}
	made, err := application.Prepare(w.Store, "app", config)
	if err != nil {
		t.Fatal(err)
	}
	a := testApp{secret: made.Secret}
	w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := project.Add(ctx, tx, o, "p"+made.ID, project.Settings{Name: made.ID}); err != nil {
			return err
		}
		if a.project, err = tx.Project.Query().Where(entproject.ProjectID("p" + made.ID)).Only(ctx); err != nil {
			return err
		}
		if _, err := application.Add(ctx, tx, a.project, made); err != nil {
			return err
		}
		a.Application, err = application.Get(ctx, tx.Application, a.project, made.ID)
		return err
	})
	return a
}

// makeMember gives a user roles on the instance, or on an organization.
func (w *exchangeWorld) makeMember(t *testing.T, u *ent.User, o *ent.Organization, roles ...string) {
	t.Helper()
	w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := membership.Add(ctx, tx, w.level(o), u, roles)
		return err
	})
}

// level returns the level of an organization; of the instance for nil.
func (w *exchangeWorld) level(o *ent.Organization) membership.On {
	if o == nil {
		return membership.OnInstance(w.instance)
	}
	return membership.OnOrganization(o)
}

// impersonator returns a user with a role on the instance, and a token of the
// user that is meant for the application.
func (w *exchangeWorld) impersonator(t *testing.T, role string) (*ent.User, token.AccessToken) {
	t.Helper()
	u := w.Machine(t, w.ctx, w.home)
	w.makeMember(t, u, nil, role)
	return u, w.tokenFor(t, u, w.app)
}

// tokenFor returns a token of a user that an application may look at, good for
// the APIs.
func (w *exchangeWorld) tokenFor(t *testing.T, u *ent.User, app testApp, change ...func(*token.Grant)) token.AccessToken {
	t.Helper()
	g := token.Grant{
		Client: token.Client{ID: u.UserID, UserKey: u.ID}, UserKey: u.ID, UserID: u.UserID,
		Scopes: []string{token.ScopeOpenID, token.ScopeAPI}, Audience: []string{u.UserID, app.ClientID},
	}
	for _, c := range change {
		c(&g)
	}
	issued, err := w.Tokens.Issue(w.ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// post sends a form to an endpoint as an application; one without a secret does
// not authenticate.
func (w *exchangeWorld) post(t testing.TB, path string, as testApp, values url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form)
	if as.secret != "" {
		r.SetBasicAuth(as.ClientID, as.secret)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%d %q: %v", answer.StatusCode, text, err)
	}
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be kept")
	}
	return answer.StatusCode, got
}

// exchangeOf returns the parameters of an exchange, changed by pairs of names and
// values; an empty value leaves one out.
func exchangeOf(subject string, pairs ...string) url.Values {
	values := url.Values{"grant_type": {exchangeGrant}, "subject_token": {subject}, "subject_token_type": {accessType}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			values.Del(pairs[i])
		}
	}
	return values
}

// impersonate returns the parameters of an exchange by which an actor
// impersonates a user.
func impersonate(u *ent.User, actor string, pairs ...string) url.Values {
	return exchangeOf(u.UserID, append([]string{"subject_token_type", userIDType, "actor_token", actor, "actor_token_type", accessType}, pairs...)...)
}

// exchanged returns the answer to an exchange that works.
func (w *exchangeWorld) exchanged(t testing.TB, values url.Values) map[string]any {
	t.Helper()
	status, got := w.post(t, oauth.TokenPath, w.app, values)
	if status != http.StatusOK {
		t.Fatalf("the answer is %d %v", status, got)
	}
	return got
}

// refused checks that an exchange is refused with a code, and returns the
// description.
func (w *exchangeWorld) refused(t testing.TB, as testApp, values url.Values, code string) string {
	t.Helper()
	status, got := w.post(t, oauth.TokenPath, as, values)
	wanted := http.StatusBadRequest
	if code == "invalid_client" {
		wanted = http.StatusUnauthorized
	}
	if status != wanted || got["error"] != code || got["access_token"] != nil {
		t.Errorf("the answer is %d %v, not %s", status, got, code)
	}
	description, _ := got["error_description"].(string)
	return description
}

// bearer returns whom a token stands for; the test ends if it is not valid.
func (w *exchangeWorld) bearer(t testing.TB, text any) token.Bearer {
	t.Helper()
	b, err := w.Tokens.Bearer(w.ctx, text.(string))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// valid reports whether a token is let in by the APIs.
func (w *exchangeWorld) valid(text any) bool {
	_, err := w.Tokens.Authenticate(w.ctx, text.(string), nil)
	return err == nil
}

// events returns the events of the types, oldest first.
func (w *exchangeWorld) events(t testing.TB, types ...store.EventType) []*ent.Event {
	t.Helper()
	all, err := w.Store.Read().Event.Query().Order(ent.Asc(event.FieldID)).All(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e *ent.Event) bool { return !slices.Contains(types, store.EventType(e.Type)) })
}

// until ends a token earlier.
func (w *exchangeWorld) until(after time.Duration) func(*token.Grant) {
	at := w.Clock.Now().Add(after)
	return func(g *token.Grant) { g.Until = &at }
}
