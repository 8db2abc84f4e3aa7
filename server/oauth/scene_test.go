package oauth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// scene is an endpoint with what tokens tell of.
type scene struct {
	*endpoint
	instance *ent.Instance
	// home is the organization of the user, other another one.
	home, other *ent.Organization
	// project is one of home, with roles and a resource server.
	project *ent.Project
	server  resourceServer
}

// resourceServer is an application that looks at tokens.
type resourceServer struct {
	*ent.Application
	secret string
}

func newScene(t testing.TB, d *tokentest.Directory) *scene {
	t.Helper()
	s := &scene{endpoint: newEndpoint(t, d)}
	var err error
	if s.instance, err = d.Store.Read().Instance.Query().Only(s.ctx); err != nil {
		t.Fatal(err)
	}
	if s.home, err = d.Store.Read().Organization.Query().Only(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.other = d.Organization(t, s.ctx, s.instance)
	s.domain(t, s.home, "home.test")
	s.domain(t, s.other, "other.test")
	s.project = s.newProject(t, s.home, project.Settings{}, "reader", "writer")
	s.server = s.newAPI(t, s.project)
	return s
}

func (s *scene) domain(t testing.TB, of *ent.Organization, name string) {
	t.Helper()
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		err := tx.OrganizationDomain.Create().SetOrganization(of).SetDomain(name).SetVerified(true).SetIsPrimary(true).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.OrgDomainAdded, store.OrganizationObject(of), store.Payload{})
		return err
	})
}

func (s *scene) newID(t testing.TB) string {
	t.Helper()
	made, err := s.Store.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (s *scene) newProject(t testing.TB, in *ent.Organization, settings project.Settings, roles ...string) (made *ent.Project) {
	t.Helper()
	projectID := s.newID(t)
	settings.Name = projectID
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := project.Add(ctx, tx, in, projectID, settings); err != nil {
			return err
		}
		var err error
		made, err = project.Get(ctx, tx.Project, projectID)
		for _, key := range roles {
			if err == nil {
				_, err = project.AddRoles(ctx, tx, made, project.Role{Key: key})
			}
		}
		return err
	})
	return made
}

func (s *scene) newAPI(t testing.TB, in *ent.Project) resourceServer {
	t.Helper()
	return s.newApplication(t, in, application.API(application.APIBasic))
}

func (s *scene) newClient(t testing.TB, in *ent.Project, settings application.OIDC) resourceServer {
	t.Helper()
	config, err := settings.Normal().Config()
	if err != nil {
		t.Fatal(err)
	}
	return s.newApplication(t, in, config)
}

func (s *scene) newApplication(t testing.TB, in *ent.Project, config application.Config) (made resourceServer) {
	t.Helper()
	n, err := application.Prepare(s.Store, s.newID(t), config)
	if err != nil {
		t.Fatal(err)
	}
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := application.Add(ctx, tx, in, n); err != nil {
			return err
		}
		row, err := application.Get(ctx, tx.Application, in, n.ID)
		made = resourceServer{Application: row, secret: n.Secret}
		return err
	})
	return made
}

// grantRoles gives the user roles of a project.
func (s *scene) grantRoles(t testing.TB, of *ent.Project, u *ent.User, roles ...string) (made *ent.UserGrant) {
	t.Helper()
	grantID := s.newID(t)
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := grant.Add(ctx, tx, grantID, of, u, roles); err != nil {
			return err
		}
		var err error
		made, err = tx.UserGrant.Query().Where(usergrant.GrantID(grantID)).Only(ctx)
		return err
	})
	return made
}

// newHuman makes a person of an organization, of whom everything is known.
func (s *scene) newHuman(t testing.TB, in *ent.Organization) (made *ent.User) {
	t.Helper()
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		made, err = tx.User.Create().
			SetUserID("anna").SetOrganization(in).SetResourceOwner(in.OrganizationID).SetType(user.TypeHuman).
			SetUserName("anna").SetNameScope(in.OrganizationID).SetNameKey(store.Key("anna")).
			SetFirstName("Anna").SetFirstNameKey(store.Key("Anna")).SetLastName("Müller").SetLastNameKey(store.Key("Müller")).
			SetNickName("Änni").SetNickNameKey(store.Key("Änni")).SetDisplayName("Anna Müller").SetDisplayNameKey(store.Key("Anna Müller")).
			SetPreferredLanguage("de-CH").SetGender(3).
			SetEmail("anna@example.com").SetEmailKey(store.Key("anna@example.com")).SetEmailVerified(true).
			SetPhone("+41791234567").Save(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.UserHumanAdded, store.UserObject(made), store.Payload{})
		return err
	})
	return made
}

func (s *scene) setMetadata(t testing.TB, u *ent.User, values ...metadata.Value) {
	t.Helper()
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := metadata.Set(ctx, tx, metadata.OnUser(u), values...)
		return err
	})
}

// issue returns a token that the user got itself, for the resource server of
// the scene and the other names of the audience.
func (s *scene) issue(t testing.TB, u *ent.User, scope string, audience ...string) string {
	t.Helper()
	return s.issueAs(t, token.Client{ID: u.UserID, UserKey: u.ID}, u, scope, append(audience, s.project.ProjectID)...)
}

// issueAs returns a token for a client, which stands for the user; nil for the
// client itself.
func (s *scene) issueAs(t testing.TB, c token.Client, u *ent.User, scope string, audience ...string) string {
	t.Helper()
	g := token.Grant{Client: c, Scopes: strings.Fields(scope), Audience: append([]string{c.ID}, audience...)}
	if u != nil {
		g.UserKey, g.UserID = u.ID, u.UserID
	}
	issued, err := s.Tokens.Issue(s.ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	return issued.Token
}

// asClient returns the application as the client of a token.
func (a resourceServer) asClient() token.Client {
	return token.Client{ID: a.ClientID, ApplicationKey: a.ID, Kind: a.Kind, AuthMethod: a.AuthMethod, Settings: a.Settings}
}

// change runs a change of the directory.
func (s *scene) change(t testing.TB, f func(context.Context, *store.Tx) (store.Change, error)) {
	t.Helper()
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := f(ctx, tx)
		return err
	})
}

func (s *scene) deactivateProject(t testing.TB, p *ent.Project) {
	s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return project.Deactivate(ctx, tx, p) })
}

// reply is an answer of an endpoint.
type reply struct {
	status int
	header http.Header
	text   string
	claims map[string]any
}

func (e *endpoint) send(t testing.TB, verb, path, body string, header http.Header) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), verb, e.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	answered, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{status: answered.StatusCode, header: answered.Header, text: string(text)}
	if verb != http.MethodHead {
		if err := json.Unmarshal(text, &got.claims); err != nil {
			t.Fatalf("%d %q: %v", got.status, text, err)
		}
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("the header is %v", got.header)
	}
	return got
}

// lookAt asks for a token, as a resource server.
func (s *scene) lookAt(t testing.TB, as resourceServer, text string) reply {
	t.Helper()
	r := &http.Request{Header: http.Header{"Content-Type": {form}}}
	r.SetBasicAuth(as.ClientID, as.secret)
	return s.send(t, "POST", oauth.IntrospectionPath, url.Values{"token": {text}}.Encode(), r.Header)
}

// userinfo asks with a token in the header.
func (s *scene) userinfo(t testing.TB, text string) reply {
	t.Helper()
	return s.send(t, "GET", oauth.UserinfoPath, "", http.Header{"Authorization": {"Bearer " + text}})
}

// check compares claims; what JSON makes of want counts.
func (r reply) check(t testing.TB, want map[string]any) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var wanted map[string]any
	if err := json.Unmarshal(text, &wanted); err != nil {
		t.Fatal(err)
	}
	if r.status != http.StatusOK || !reflect.DeepEqual(r.claims, wanted) {
		t.Errorf("the answer is %d\n%s\nwanted\n%s", r.status, r.text, text)
	}
}

// told returns those claims of the answer whose names begin with a text.
func (r reply) told(prefix string) map[string]any {
	found := map[string]any{}
	for name, value := range r.claims {
		if strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found
}

// roles returns the claim of roles that an organization granted.
func roles(of *ent.Organization, domain string, keys ...string) map[string]any {
	claim := map[string]any{}
	for _, key := range keys {
		claim[key] = map[string]any{of.OrganizationID: domain}
	}
	return claim
}

func rolesIn(p *ent.Project) string { return "urn:zitadel:iam:org:project:" + p.ProjectID + ":roles" }

func audienceOf(p *ent.Project) string {
	return "urn:zitadel:iam:org:project:id:" + p.ProjectID + ":aud"
}
