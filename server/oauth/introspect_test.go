package oauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const inactive = `{"active":false}`

// A resource server learns all of a token that a machine got for its project.
func TestIntrospect(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		s.grantRoles(t, s.project, s.user, "reader")
		body := s.good(t)
		body.Set("scope", "openid profile "+audienceOf(s.project))
		status, _, got := s.do(t, "POST", oauth.TokenPath, form, body.Encode())
		if status != http.StatusOK || got["scope"] != nil {
			t.Fatalf("the answer is %d %v", status, got)
		}
		text := got["access_token"].(string)
		row, err := d.Store.Read().AccessToken.Query().Where(accesstoken.Hash(id.Hash(text))).Only(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		now := d.Clock.Now().Unix()
		s.lookAt(t, s.server, text).check(t, map[string]any{
			"active": true, "scope": "openid profile " + audienceOf(s.project), "client_id": s.user.UserID,
			"username": s.user.UserName, "token_type": "Bearer", "exp": now + 43199, "iat": now, "nbf": now,
			"sub": s.user.UserID, "aud": []string{s.user.UserID, s.project.ProjectID}, "iss": origin, "jti": row.TokenID,
			"preferred_username": s.user.UserName, "updated_at": now,
			rolesIn(s.project):                  roles(s.home, "home.test", "reader"),
			"urn:zitadel:iam:org:project:roles": roles(s.home, "home.test", "reader"),
		})
	})
}

// Why a token is not active is never told (RFC 7662, 2.2), nor whether there is
// one that the application may not look at (4).
func TestIntrospectInactive(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		for name, spoil := range map[string]func(*scene, string) string{
			"unknown":          func(*scene, string) string { return id.NewToken(id.AccessToken) },
			"no token of ours": func(*scene, string) string { return "x" },
			"cut short":        func(_ *scene, text string) string { return text[:len(text)-1] },
			"longer":           func(_ *scene, text string) string { return text + "0" },
			"revoked": func(s *scene, text string) string {
				s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.AccessToken.Delete().Exec(ctx)
					return err
				})
				return text
			},
			"deactivated user": func(s *scene, text string) string {
				s.SetUserState(t, s.ctx, s.user, user.StateInactive)
				return text
			},
			"locked user": func(s *scene, text string) string {
				s.SetUserState(t, s.ctx, s.user, user.StateLocked)
				return text
			},
			"audience of another project": func(s *scene, _ string) string {
				other := s.newProject(t, s.home, project.Settings{})
				return s.issueAs(t, token.Client{ID: s.user.UserID, UserKey: s.user.ID}, s.user, "openid", other.ProjectID)
			},
			"audience of the user alone": func(s *scene, _ string) string {
				return s.issueAs(t, token.Client{ID: s.user.UserID, UserKey: s.user.ID}, s.user, scopes)
			},
			"audience of nobody": func(s *scene, _ string) string {
				issued, err := s.Tokens.Issue(s.ctx, token.Grant{Client: token.Client{ID: s.user.UserID}, UserKey: s.user.ID, UserID: s.user.UserID})
				if err != nil {
					t.Fatal(err)
				}
				return issued.Token
			},
			"another instance": func(s *scene, _ string) string {
				ctx, o := s.Instance(t, "http://else.localhost")
				u := s.Machine(t, ctx, o)
				issued, err := s.Tokens.Issue(ctx, token.Grant{
					Client: token.Client{ID: u.UserID}, UserKey: u.ID, UserID: u.UserID, Audience: []string{s.project.ProjectID},
				})
				if err != nil {
					t.Fatal(err)
				}
				return issued.Token
			},
			"deactivated client": func(s *scene, _ string) string {
				of := s.newProject(t, s.other, project.Settings{})
				c := s.newClient(t, of, application.OIDC{})
				text := s.issueAs(t, c.asClient(), s.user, scopes, s.project.ProjectID)
				s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) {
					return application.Deactivate(ctx, tx, of, c.Application)
				})
				return text
			},
			"deactivated project of the client": func(s *scene, _ string) string {
				of := s.newProject(t, s.other, project.Settings{})
				text := s.issueAs(t, s.newClient(t, of, application.OIDC{}).asClient(), s.user, scopes, s.project.ProjectID)
				s.deactivateProject(t, of)
				return text
			},
			"deactivated organization": func(s *scene, _ string) string {
				text := s.issue(t, s.Machine(t, s.ctx, s.other), scopes)
				s.SetOrganizationState(t, s.ctx, s.other, organization.StateInactive)
				return text
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newScene(t, d)
				text := s.issue(t, s.user, scopes)
				if got := s.lookAt(t, s.server, text); got.claims["active"] != true {
					t.Fatalf("before: %d %s", got.status, got.text)
				}
				if got := s.lookAt(t, s.server, spoil(s, text)); got.status != http.StatusOK || got.text != inactive {
					t.Errorf("%d %s", got.status, got.text)
				}
			})
		}
		s := newScene(t, d)
		text := s.issue(t, s.user, scopes)
		d.Clock.Advance(token.Lifetime)
		if got := s.lookAt(t, s.server, text); got.status != http.StatusOK || got.text != inactive {
			t.Errorf("expired: %d %s", got.status, got.text)
		}
	})
}

// A token of an application itself stands for no user.
func TestIntrospectApplicationItself(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		got := s.lookAt(t, s.server, s.issueAs(t, s.server.asClient(), nil, audienceOf(s.project)))
		if got.claims["active"] != true || got.claims["sub"] != s.server.ClientID || got.claims["client_id"] != s.server.ClientID || len(got.told("urn:")) != 0 {
			t.Errorf("%d %s", got.status, got.text)
		}
		other := s.newAPI(t, s.project)
		text := s.issueAs(t, other.asClient(), nil, "", s.project.ProjectID)
		s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) {
			return application.Deactivate(ctx, tx, s.project, other.Application)
		})
		if got := s.lookAt(t, s.server, text); got.text != inactive {
			t.Errorf("of a deactivated one: %s", got.text)
		}
	})
}

// A user whose id somebody chose to be that of a project, or of a client, does
// not get tokens that count there.
func TestIntrospectChosenID(t *testing.T) {
	s := newScene(t, tokentest.SQLite(t, nil))
	for name, chosen := range map[string]string{"project": s.project.ProjectID, "client": s.server.ClientID} {
		c := token.Client{ID: chosen, UserKey: s.user.ID}
		s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
			u, err := tx.User.Create().
				SetUserID(chosen).SetOrganization(s.other).SetResourceOwner(s.other.OrganizationID).
				SetType(user.TypeMachine).SetUserName(name).SetNameKey(store.Key(name)).
				SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).
				SetDisplayNameKey([]byte{}).SetEmailKey([]byte{}).Save(ctx)
			if err != nil {
				return err
			}
			c.UserKey = u.ID
			_, err = tx.Record(ctx, store.UserMachineAdded, store.UserObject(u), store.Payload{})
			return err
		})
		u, err := s.Store.Read().User.Get(s.ctx, c.UserKey)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.lookAt(t, s.server, s.issueAs(t, c, u, scopes)); got.text != inactive {
			t.Errorf("%s: %s", name, got.text)
		}
	}
}

// A personal access token has no audience: it is for the eyes of those whose
// project its user has a grant in, and of its own organization.
func TestIntrospectPersonalAccessToken(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		foreign := s.newProject(t, s.other, project.Settings{}, "guest")
		stranger := s.newAPI(t, foreign)
		pat := d.PersonalAccessToken(t, s.ctx, s.user, time.Hour)
		used := func() *time.Time {
			row, err := d.Store.Read().PersonalAccessToken.Query().Where(personalaccesstoken.TokenID(pat.ID)).Only(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			return row.LastUsedAt
		}
		check := func(name string, as resourceServer, active bool) {
			t.Helper()
			got := s.lookAt(t, as, pat.Token)
			if got.claims["active"] != active || !active && got.text != inactive {
				t.Errorf("%s: %s", name, got.text)
			}
		}
		check("no grant", stranger, false)
		made := s.grantRoles(t, foreign, s.user, "guest")
		check("granted", stranger, true)
		s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return grant.Deactivate(ctx, tx, made) })
		check("deactivated grant", stranger, false)
		if err := d.Tokens.Close(); err != nil || used() == nil {
			t.Errorf("used at %v, %v", used(), err)
		}
		now := d.Clock.Now().Unix()
		s.lookAt(t, s.server, pat.Token).check(t, map[string]any{
			"active": true, "scope": scopes, "client_id": s.user.UserID, "token_type": "Bearer", "iss": origin,
			"sub": s.user.UserID, "jti": pat.ID, "iat": now, "nbf": now, "exp": now + 3600,
		})
		forever := d.PersonalAccessToken(t, s.ctx, s.user, 0).Token
		d.Clock.Advance(time.Hour)
		check("expired", s.server, false)
		if got := s.lookAt(t, s.server, forever); got.claims["active"] != true || got.claims["exp"] != nil {
			t.Errorf("one that never expires: %s", got.text)
		}
	})
}

// A token that an application may not look at is not noted as used.
func TestIntrospectForeignIsNoUse(t *testing.T) {
	s := newScene(t, tokentest.SQLite(t, nil))
	pat := s.PersonalAccessToken(t, s.ctx, s.user, 0)
	stranger := s.newAPI(t, s.newProject(t, s.other, project.Settings{}))
	if got := s.lookAt(t, stranger, pat.Token); got.text != inactive {
		t.Fatal(got.text)
	}
	row := func() *ent.PersonalAccessToken {
		return s.Store.Read().PersonalAccessToken.Query().OnlyX(s.ctx)
	}
	if err := s.Tokens.Close(); err != nil || row().LastUsedAt != nil {
		t.Errorf("used at %v, %v", row().LastUsedAt, err)
	}
}

// Only applications look at tokens (RFC 7662, 2.1).
func TestIntrospectRefused(t *testing.T) {
	s := newScene(t, tokentest.SQLite(t, nil))
	text := s.issue(t, s.user, scopes)
	secret := token.NewMachineSecret()
	s.Write(t, s.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := secret.Save(ctx, tx, s.user)
		return err
	})
	basic := func(name, password string) http.Header {
		r := &http.Request{Header: http.Header{"Content-Type": {form}}}
		r.SetBasicAuth(name, password)
		return r.Header
	}
	good := basic(s.server.ClientID, s.server.secret)
	body := url.Values{"token": {text}}.Encode()
	for name, c := range map[string]struct {
		path, body string
		header     http.Header
		status     int
		code       string
	}{
		"nobody":               {"", body, http.Header{"Content-Type": {form}}, 401, "invalid_client"},
		"the token itself":     {"", body, http.Header{"Content-Type": {form}, "Authorization": {"Bearer " + text}}, 401, "invalid_client"},
		"a machine user":       {"", body, basic(s.user.UserID, secret.Secret), 401, "invalid_client"},
		"a wrong secret":       {"", body, basic(s.server.ClientID, secret.Secret), 401, "invalid_client"},
		"no token":             {"", "", good, 400, "invalid_request"},
		"an empty token":       {"", "token=", good, 400, "invalid_request"},
		"two tokens":           {"", body + "&" + body, good, 400, "invalid_request"},
		"token in address":     {"?" + body, "", good, 400, "invalid_request"},
		"JSON":                 {"", `{"token":"x"}`, http.Header{"Authorization": good["Authorization"], "Content-Type": {"application/json"}}, 400, "invalid_request"},
		"an unknown hint":      {"", body + "&token_type_hint=x", good, 200, ""},
		"a hint that is wrong": {"", body + "&token_type_hint=refresh_token", good, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.send(t, "POST", oauth.IntrospectionPath+c.path, c.body, c.header)
			if got.status != c.status || c.code != "" && got.claims["error"] != c.code || c.status == 200 && got.claims["active"] != true {
				t.Errorf("%d %s", got.status, got.text)
			}
			if basic := c.header.Get("Authorization") != ""; name == "a machine user" && basic != (got.header.Get("WWW-Authenticate") != "") {
				t.Errorf("the challenge is %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
}
