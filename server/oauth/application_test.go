package oauth_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	entapplication "github.com/bastide-id/bastide/ent/application"
	entproject "github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// app is an application of a project of its own, with its secret if it has one.
type app struct {
	project *ent.Project
	row     *ent.Application
	secret  string
}

// oidcApp is the configuration of an OpenID Connect client.
func oidcApp(t *testing.T, method int32) application.Config {
	t.Helper()
	c, err := application.OIDC{AuthMethod: method}.Config()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// application adds an application to the endpoint's organization.
func (e *endpoint) application(t *testing.T, c application.Config) (a app) {
	t.Helper()
	n, err := application.Prepare(e.Store, "app", c)
	if err != nil {
		t.Fatal(err)
	}
	projectID, err := e.Store.NewID()
	if err != nil {
		t.Fatal(err)
	}
	a.secret = n.Secret
	e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error {
		in, err := tx.Organization.Query().Only(ctx)
		if err != nil {
			return err
		}
		if _, err := project.Add(ctx, tx, in, projectID, project.Settings{Name: projectID}); err != nil {
			return err
		}
		if a.project, err = project.Get(ctx, tx.Project, projectID); err != nil {
			return err
		}
		if _, err := application.Add(ctx, tx, a.project, n); err != nil {
			return err
		}
		a.row, err = application.Get(ctx, tx.Application, a.project, n.ID)
		return err
	})
	return a
}

// change changes an application.
func (e *endpoint) change(t *testing.T, a app, f func(context.Context, *store.Tx, *ent.Project, *ent.Application) (store.Change, error)) {
	t.Helper()
	e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := application.Get(ctx, tx.Application, a.project, a.row.ApplicationID)
		if err == nil {
			_, err = f(ctx, tx, a.project, row)
		}
		return err
	})
}

// setProjectState changes the state of an application's project.
func (e *endpoint) setProjectState(t *testing.T, a app, state entproject.State) {
	t.Helper()
	e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := project.Lock(ctx, tx, a.project.ProjectID)
		if err != nil {
			return err
		}
		if state == entproject.StateActive {
			_, err = project.Reactivate(ctx, tx, row)
		} else {
			_, err = project.Deactivate(ctx, tx, row)
		}
		return err
	})
}

// applicationKey gives an application a key that expires after a time; 0 means never.
func (e *endpoint) applicationKey(t *testing.T, a app, after time.Duration) (keyID string, private *rsa.PrivateKey) {
	t.Helper()
	var until *time.Time
	if after != 0 {
		at := e.Clock.Now().Add(after)
		until = &at
	}
	made, err := e.Tokens.NewApplicationKey(e.ctx, until)
	if err != nil {
		t.Fatal(err)
	}
	e.change(t, a, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
		return made.Save(ctx, tx, in, row)
	})
	var file struct{ Key string }
	if err := json.Unmarshal(made.File(a.row), &file); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(file.Key))
	if private, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return made.ID, private
}

// machineSecret gives the machine user a secret.
func (e *endpoint) machineSecret(t *testing.T, u *ent.User) string {
	t.Helper()
	made := token.NewMachineSecret()
	e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := made.Save(ctx, tx, u)
		return err
	})
	return made.Secret
}

// named makes another machine user of the organization with a user name, unique
// in the scope, and with an id if that is not empty.
func (e *endpoint) named(t *testing.T, name, scope, userID string) *ent.User {
	t.Helper()
	o := e.Store.Read().Organization.Query().OnlyX(e.ctx)
	u := e.Machine(t, e.ctx, o)
	e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if userID != "" { // an id is never changed
			if err = tx.User.DeleteOne(u).Exec(ctx); err != nil {
				return err
			}
			u, err = tx.User.Create().SetUserID(userID).SetOrganization(o).SetResourceOwner(o.OrganizationID).
				SetType(u.Type).SetUserName(u.UserName).SetNameKey(u.NameKey).
				SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).SetDisplayNameKey([]byte{}).SetEmailKey([]byte{}).Save(ctx)
			if err != nil {
				return err
			}
		}
		if u, err = tx.User.UpdateOne(u).SetUserName(name).SetNameScope(scope).SetNameKey(store.Key(name)).Save(ctx); err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.UserUsernameChanged, store.UserObject(u), store.Payload{})
		return err
	})
	return u
}

// request is one to the token endpoint.
type request struct {
	form   url.Values
	header http.Header
	query  string
}

// byBasic is a request for a token that stands for the client, which
// authenticates in the header.
func byBasic(clientID, secret string) request {
	r, _ := http.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	return request{form: url.Values{"grant_type": {"client_credentials"}}, header: r.Header}
}

// byBody is byBasic with parameters.
func byBody(parameters ...string) request {
	form := url.Values{"grant_type": {"client_credentials"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Add(parameters[i], parameters[i+1])
	}
	return request{form: form}
}

// with returns the request with more parameters.
func (r request) with(parameters ...string) request {
	form := url.Values{}
	for name, values := range r.form {
		form[name] = values
	}
	for i := 0; i < len(parameters); i += 2 {
		form[parameters[i]] = append(append([]string(nil), form[parameters[i]]...), parameters[i+1])
	}
	r.form = form
	return r
}

// withHeader returns the request with one more header Authorization.
func (r request) withHeader(value string) request {
	r.header = r.header.Clone()
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Add("Authorization", value)
	return r
}

// ask returns the status, the header and the body of the answer.
func (e *endpoint) ask(t *testing.T, r request) (int, http.Header, map[string]any) {
	t.Helper()
	made, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+oauth.TokenPath+r.query, strings.NewReader(r.form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if r.header != nil {
		made.Header = r.header.Clone()
	}
	made.Header.Set("Content-Type", form)
	answer, err := http.DefaultClient.Do(made)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var values map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&values); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	return answer.StatusCode, answer.Header, values
}

// gets returns whom the token stands for that the request gets.
func (e *endpoint) gets(t *testing.T, r request) (token.Bearer, string) {
	t.Helper()
	status, _, got := e.ask(t, r)
	access, _ := got["access_token"].(string)
	if status != http.StatusOK || got["token_type"] != "Bearer" || access == "" {
		t.Fatalf("the answer is %d %v", status, got)
	}
	b, err := e.Tokens.Bearer(e.ctx, access)
	if err != nil {
		t.Fatal(err)
	}
	return b, access
}

// refusesClient checks that the client of the request is refused as every one
// is.
func (e *endpoint) refusesClient(t *testing.T, r request) {
	t.Helper()
	status, header, got := e.ask(t, r)
	if status != http.StatusUnauthorized || got["error"] != "invalid_client" || len(got) != 2 ||
		got["error_description"] != refusedClient || header.Get("WWW-Authenticate") != `Basic realm="`+origin+`", charset="UTF-8"` {
		t.Errorf("the answer is %d %v, WWW-Authenticate: %s", status, got, header.Get("WWW-Authenticate"))
	}
}

const refusedClient = "the client did not authenticate as one that is known and active: check its id, its secret or assertion, and its authentication method"

// signed is the request of an application that signed an assertion.
func signed(assertion string) request {
	return byBody("client_assertion_type", assertionType, "client_assertion", assertion)
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

var (
	apiBySecret = application.API(application.APIBasic)
	apiByKey    = application.API(application.APIPrivateKeyJWT)
	kindAPI     = entapplication.KindAPI
)

// selfSigned are the claims that an application sends.
func (e *endpoint) selfSigned(a app) tokentest.Claims {
	return tokentest.SelfSigned(a.row.ClientID, origin, e.Clock.Now())
}

func removeProject(ctx context.Context, tx *store.Tx, a app) error {
	_, err := project.Remove(ctx, tx, a.project)
	return err
}

// as returns the request with another grant type.
func (r request) as(grantType string) request {
	r = r.with()
	r.form.Set("grant_type", grantType)
	return r
}

// unsigned returns a JWT with the algorithm none.
func unsigned(claims tokentest.Claims) string {
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","kid":"1"}`)) + "." + encode(text) + "."
}

// cut returns a JWT with half of its signature.
func cut(signed string) string { return signed[:len(signed)-len(signed)/8] }
