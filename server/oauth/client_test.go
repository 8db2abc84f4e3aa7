package oauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/ent/organization"
	entproject "github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// A client that has a secret may send it in the header or in the body, whichever
// of the two methods it is configured for (RFC 6749, 2.3.1).
func TestClientSecret(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a := e.application(t, apiBySecret)
		odd := e.named(t, "Rö bot:+%2", "", "")
		secret, oddSecret := e.machineSecret(t, e.user), e.machineSecret(t, odd)
		plain := base64.StdEncoding.EncodeToString([]byte(a.row.ClientID + ":" + a.secret))
		for name, c := range map[string]struct {
			request request
			subject string
		}{
			"application by header":                {byBasic(a.row.ClientID, a.secret), a.row.ClientID},
			"application by body":                  {byBody("client_id", a.row.ClientID, "client_secret", a.secret), a.row.ClientID},
			"header with the client id repeated":   {byBasic(a.row.ClientID, a.secret).with("client_id", a.row.ClientID), a.row.ClientID},
			"header and body alike":                {byBasic(a.row.ClientID, a.secret).with("client_id", a.row.ClientID, "client_secret", a.secret), a.row.ClientID},
			"machine by both":                      {byBasic("Rö bot:+%2", oddSecret).with("client_id", "Rö bot:+%2", "client_secret", oddSecret), odd.UserID},
			"scheme in lower case":                 {byBody().withHeader("basic " + plain), a.row.ClientID},
			"scheme in upper case, and two spaces": {byBody().withHeader("BASIC  " + plain), a.row.ClientID},
			"empty parameters are none":            {byBasic(a.row.ClientID, a.secret).with("client_secret", "", "client_assertion", ""), a.row.ClientID},
			"unknown parameters are none":          {byBasic(a.row.ClientID, a.secret).with("x", "y"), a.row.ClientID},
			"unknown parameters of the address":    {request{form: byBody().form, header: byBasic(a.row.ClientID, a.secret).header, query: "?x=y"}, a.row.ClientID},
			"machine by user id":                   {byBasic(e.user.UserID, secret), e.user.UserID},
			"machine by body":                      {byBody("client_id", e.user.UserID, "client_secret", secret), e.user.UserID},
			"machine by login name":                {byBasic("Rö bot:+%2", oddSecret), odd.UserID},
			"machine by login name, other case":    {byBasic("RÖ BOT:+%2", oddSecret), odd.UserID},
			"machine by login name, by body":       {byBody("client_id", "rö bot:+%2", "client_secret", oddSecret), odd.UserID},
		} {
			t.Run(name, func(t *testing.T) {
				if b, _ := e.gets(t, c.request); b.Subject() != c.subject {
					t.Errorf("the token stands for %s", b.Subject())
				}
			})
		}
		if strings.Contains(e.log.String(), "INFO") {
			t.Errorf("the log is %s", e.log)
		}
	})
}

// Whatever is wrong, the answer is the same: 401, with a challenge, and nothing
// that tells which part it was (RFC 6749, 5.2).
func TestClientRefused(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a, other := e.application(t, apiBySecret), e.application(t, apiBySecret)
		byKey, public := e.application(t, apiByKey), e.application(t, oidcApp(t, application.OIDCNone))
		robot, secret := e.named(t, "robot", "", ""), e.machineSecret(t, e.user)
		robotSecret, bare := e.machineSecret(t, robot), e.named(t, "bare", "", "")
		encode := func(text string) request {
			return byBody().withHeader("Basic " + base64.StdEncoding.EncodeToString([]byte(text)))
		}
		cases := map[string]request{
			"no credentials":                           byBody(),
			"only an id":                               byBody("client_id", a.row.ClientID),
			"id of a public client":                    byBody("client_id", public.row.ClientID),
			"public client with a secret":              byBasic(public.row.ClientID, a.secret),
			"unknown application":                      byBasic("1", a.secret),
			"unknown application by body":              byBody("client_id", "1", "client_secret", a.secret),
			"unknown machine":                          byBasic("1", secret),
			"unknown login name":                       byBasic("nobody@example.com", secret),
			"application with the secret of another":   byBasic(a.row.ClientID, other.secret),
			"machine with the secret of another":       byBasic(e.user.UserID, robotSecret),
			"login name with the secret of another":    byBasic("robot", secret),
			"secret that nobody has":                   byBasic(a.row.ClientID, id.NewToken(id.ApplicationSecret)),
			"secret of a machine that has none":        byBasic(bare.UserID, id.NewToken(id.MachineSecret)),
			"application with a machine's secret":      byBasic(a.row.ClientID, secret),
			"machine with an application's secret":     byBasic(e.user.UserID, a.secret),
			"login name with an application's secret":  byBasic("robot", a.secret),
			"application configured for keys":          byBasic(byKey.row.ClientID, a.secret),
			"application id instead of the client id":  byBasic(a.row.ApplicationID, a.secret),
			"client id with a space behind it":         byBasic(e.user.UserID+" ", secret),
			"mistyped secret":                          byBasic(a.row.ClientID, a.secret[:len(a.secret)-1]+"-"),
			"secret cut short":                         byBasic(a.row.ClientID, a.secret[:len(a.secret)-1]),
			"secret with more behind it":               byBasic(a.row.ClientID, a.secret+"0"),
			"access token as secret":                   byBasic(e.user.UserID, e.AccessToken(t, e.ctx, e.user)),
			"empty secret":                             byBasic(a.row.ClientID, ""),
			"empty id":                                 byBasic("", a.secret),
			"header that names another client":         byBasic(a.row.ClientID, a.secret).with("client_id", other.row.ClientID),
			"header without a colon":                   encode(a.row.ClientID),
			"header that is not base64":                byBody().withHeader("Basic ***"),
			"header of base64 with stray bits":         byBody().withHeader("Basic YTpiZ9=="),
			"header without credentials":               byBody().withHeader("Basic"),
			"header of another scheme":                 byBody().withHeader("Bearer " + a.secret),
			"header with a broken escape":              encode("%zz:" + a.secret),
			"header with U+0000 in the id":             byBasic("a\x00b", secret),
			"header with U+0000 in the secret":         byBasic(a.row.ClientID, "\x00"),
			"header that is not UTF-8":                 byBasic("\xff", secret),
			"header with a secret that is not UTF-8":   byBasic(a.row.ClientID, "\xff"),
			"header with an id that is too long":       byBasic(strings.Repeat("a", 2001), secret),
			"header that is too long":                  byBasic(strings.Repeat("%", 5000), secret),
			"body with an id that is too long":         byBody("client_id", strings.Repeat("a", 2001), "client_secret", secret),
			"body with the secret in the wrong escape": byBody("client_id", a.row.ClientID, "client_secret", url.QueryEscape(a.secret+"=")),
		}
		for name, r := range cases {
			t.Run(name, func(t *testing.T) { e.refusesClient(t, r) })
		}
		log := e.log.String()
		if lines := strings.Count(log, "level=INFO msg=\"a client was refused\" reason="); lines != len(cases) || strings.Count(log, "\n") != len(cases) {
			t.Errorf("%d lines of %d cases: %s", lines, len(cases), log)
		}
		for _, secret := range []string{a.secret, other.secret, secret, robotSecret, "bastide_"} {
			if strings.Contains(log, secret) {
				t.Errorf("a secret is in the log: %s", log)
			}
		}
	})
}

// Credentials that are incomplete, or come in more than one way, are no request
// (RFC 6749, 2.3), and those in the address are none at all (RFC 6749, 2.3.1).
func TestClientRequestInvalid(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a := e.application(t, apiBySecret)
		basic, inBody := byBasic(a.row.ClientID, a.secret), byBody("client_id", a.row.ClientID, "client_secret", a.secret)
		inQuery := func(query string) request {
			r := basic
			r.query = "?" + query
			return r
		}
		for name, c := range map[string]struct {
			request request
			names   string
		}{
			"header and body":                  {basic.with("client_secret", a.secret), "one way"},
			"header and body with another id":  {basic.with("client_id", "1", "client_secret", a.secret), "one way"},
			"header and body, other secrets":   {basic.with("client_id", a.row.ClientID, "client_secret", a.secret+"x"), "one way"},
			"header and body and assertion":    {basic.with("client_id", a.row.ClientID, "client_secret", a.secret, "client_assertion", "x"), "one way"},
			"two headers and body":             {inBody.withHeader(basic.header.Get("Authorization")).withHeader(basic.header.Get("Authorization")), "one way"},
			"header and assertion":             {basic.with("client_assertion", "x"), "one way"},
			"header and assertion type":        {basic.with("client_assertion_type", assertionType), "one way"},
			"body and assertion":               {inBody.with("client_assertion_type", assertionType, "client_assertion", "x"), "one way"},
			"two headers":                      {basic.withHeader(basic.header.Get("Authorization")), "one way"},
			"another scheme and body":          {inBody.withHeader("Bearer x"), "one way"},
			"secret without an id":             {byBody("client_secret", a.secret), "client_id"},
			"assertion without a type":         {byBody("client_assertion", "x"), "client_assertion_type"},
			"type without an assertion":        {byBody("client_assertion_type", assertionType), "client_assertion "},
			"assertion of an unknown type":     {byBody("client_assertion", "x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), "client_assertion_type"},
			"two ids":                          {inBody.with("client_id", a.row.ClientID), "more than once"},
			"two secrets":                      {inBody.with("client_secret", a.secret), "more than once"},
			"U+0000 in the id":                 {byBody("client_id", "a\x00b", "client_secret", a.secret), "U+0000"},
			"U+0000 in a name":                 {inBody.with("x\x00", "y"), "U+0000"},
			"secret that is not UTF-8":         {byBody("client_id", a.row.ClientID, "client_secret", "\xff"), "UTF-8"},
			"secret in the address":            {inQuery("client_id=" + a.row.ClientID + "&client_secret=" + a.secret), "client_secret"},
			"assertion in the address":         {inQuery("client_assertion=x"), "client_assertion"},
			"grant's assertion in the address": {inQuery("assertion=x"), "assertion"},
			"token in the address":             {inQuery("token=x"), "token"},
			"malformed address":                {inQuery("client_secret=%zz"), "address"},
		} {
			t.Run(name, func(t *testing.T) {
				status, _, got := e.ask(t, c.request)
				if description, _ := got["error_description"].(string); status != http.StatusBadRequest || got["error"] != "invalid_request" || !strings.Contains(description, c.names) {
					t.Errorf("the answer is %d %v", status, got)
				}
			})
		}
	})
}

// Only who is active gets a token, and with whatever it belongs to; a token that
// it has already is none from the same moment.
func TestClientNotActive(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		o := e.Store.Read().Organization.Query().OnlyX(e.ctx)
		a, keyed := e.application(t, apiBySecret), e.application(t, apiByKey)
		keyID, private := e.applicationKey(t, keyed, 0)
		byKey := func(app) request { return signed(tokentest.Sign(t, "RS256", private, keyID, e.selfSigned(keyed))) }
		bySecret := func(a app) request { return byBasic(a.row.ClientID, a.secret) }
		machine := byBasic(e.user.UserID, e.machineSecret(t, e.user))
		setOrganization := func(active bool) {
			state := organization.StateInactive
			if active {
				state = organization.StateActive
			}
			e.SetOrganizationState(t, e.ctx, o, state)
		}
		setApplication := func(a app) func(bool) {
			return func(active bool) {
				if active {
					e.change(t, a, application.Reactivate)
				} else {
					e.change(t, a, application.Deactivate)
				}
			}
		}
		setProject := func(a app) func(bool) {
			return func(active bool) {
				state := entproject.StateInactive
				if active {
					state = entproject.StateActive
				}
				e.setProjectState(t, a, state)
			}
		}
		for name, c := range map[string]struct {
			request request
			set     func(active bool)
		}{
			"application":              {bySecret(a), setApplication(a)},
			"application with a key":   {byKey(keyed), setApplication(keyed)},
			"project":                  {bySecret(a), setProject(a)},
			"project, key":             {byKey(keyed), setProject(keyed)},
			"application organization": {bySecret(a), setOrganization},
			"key organization":         {byKey(keyed), setOrganization},
			"machine organization":     {machine, setOrganization},
			"user": {machine, func(active bool) {
				state := user.StateInactive
				if active {
					state = user.StateActive
				}
				e.SetUserState(t, e.ctx, e.user, state)
			}},
			"user, locked": {machine, func(active bool) {
				state := user.StateLocked
				if active {
					state = user.StateActive
				}
				e.SetUserState(t, e.ctx, e.user, state)
			}},
		} {
			t.Run(name, func(t *testing.T) {
				_, access := e.gets(t, c.request)
				c.set(false)
				e.refusesClient(t, c.request)
				if _, err := e.Tokens.Bearer(e.ctx, access); !errors.Is(err, fault.TokenInvalid.With()) {
					t.Errorf("of the token that it had: %v", err)
				}
				c.set(true)
				e.gets(t, c.request)
			})
		}
	})
}

// A client of another instance is unknown.
func TestClientOfAnotherInstance(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e, other := newEndpoint(t, d), newEndpoint(t, d)
		a := other.application(t, apiBySecret)
		keyed := other.application(t, apiByKey)
		keyID, private := other.applicationKey(t, keyed, 0)
		for name, r := range map[string]request{
			"application": byBasic(a.row.ClientID, a.secret),
			"key":         signed(tokentest.Sign(t, "RS256", private, keyID, e.selfSigned(keyed))),
			"machine":     byBasic(other.user.UserID, other.machineSecret(t, other.user)),
		} {
			t.Run(name, func(t *testing.T) {
				e.refusesClient(t, r)
				other.gets(t, r)
			})
		}
	})
}

// Nobody takes the client id of a machine user away from it: by an id that is its
// login name, or by a whole user name that is its login name at a domain.
func TestClientIDOfTwoMachines(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		o := e.Store.Read().Organization.Query().OnlyX(e.ctx)
		e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Record(ctx, store.OrgDomainAdded, store.OrganizationObject(o), store.Payload{})
			if err != nil {
				return err
			}
			return tx.OrganizationDomain.Create().SetOrganization(o).SetDomain("acme.test").SetVerified(true).SetIsPrimary(true).Exec(ctx)
		})
		robot, byID := e.named(t, "robot", "", ""), e.named(t, "other", "", "robot")
		scoped, whole := e.named(t, "worker", o.OrganizationID, ""), e.named(t, "worker@acme.test", "", "")
		for clientID, users := range map[string][]string{"robot": {robot.UserID, byID.UserID}, "Worker@ACME.test": {scoped.UserID, whole.UserID}} {
			for _, userID := range users {
				u := e.Store.Read().User.Query().Where(user.UserID(userID)).OnlyX(e.ctx)
				if b, _ := e.gets(t, byBasic(clientID, e.machineSecret(t, u))); b.UserID != userID {
					t.Errorf("%s: the token stands for %s, not for %s", clientID, b.UserID, userID)
				}
			}
		}
	})
}

// Every field of a client is filled: what the other endpoints go by.
func TestClientTells(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a := e.application(t, apiBySecret)
		c, err := d.Tokens.ApplicationBySecret(e.ctx, a.row.ClientID, a.secret)
		if err != nil {
			t.Fatal(err)
		}
		if c.ID != a.row.ClientID || c.ApplicationKey != a.row.ID || c.Kind != kindAPI || c.AuthMethod != application.APIBasic || string(c.Settings) != "{}" ||
			c.ProjectID != a.project.ProjectID || c.OrganizationID != a.project.ResourceOwner ||
			c.Credential != "secret" || string(c.SecretHash) != string(id.Hash(a.secret)) || c.UserKey != 0 || c.JWT || c.Until != nil {
			t.Errorf("the application is %+v", c)
		}
		secret := e.machineSecret(t, e.user)
		m, err := d.Tokens.MachineBySecret(e.ctx, e.user.UserID, secret)
		if err != nil {
			t.Fatal(err)
		}
		if m.ID != e.user.UserID || m.UserKey != e.user.ID || m.OrganizationID != e.user.ResourceOwner || m.Credential != "secret" ||
			string(m.SecretHash) != string(id.Hash(secret)) || m.ApplicationKey != 0 || m.Kind != "" || m.ProjectID != "" {
			t.Errorf("the machine user is %+v", m)
		}
		if _, err := d.Tokens.MachineBySecret(e.ctx, e.user.UserID, token.NewMachineSecret().Secret); !errors.Is(err, fault.Unauthenticated) {
			t.Error(err)
		}
	})
}
