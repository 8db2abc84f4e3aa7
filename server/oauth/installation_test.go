package oauth_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// installation is an instance of the whole server, with a project whose
// applications look at tokens and exchange them.
type installation struct {
	*servertest.Server
	i       servertest.Tenant
	project string
	// api looks at tokens, keyed does so with a key, exchanger exchanges them.
	api, keyed, exchanger partner
	// sent has the secrets and tokens that went either way.
	sent []string
}

// partner is an application as a client of the endpoints.
type partner struct {
	appID, clientID, secret string
	key                     tokentest.Key
}

// robot is a machine user with a key and a secret.
type robot struct {
	id, secret string
	key        tokentest.Key
}

func newInstallation(t *testing.T, s *servertest.Server, name string) *installation {
	t.Helper()
	w := &installation{Server: s, i: s.NewInstance(t, name)}
	m := w.i.Owner.Management
	w.project = servertest.OK(m.AddProject(t.Context(), &managementv1.AddProjectRequest{Name: "shop"}))(t).GetId()
	api := servertest.OK(m.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: w.project, Name: "api"}))(t)
	w.api = partner{appID: api.GetAppId(), clientID: api.GetClientId(), secret: api.GetClientSecret()}
	keyed := servertest.OK(m.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{
		ProjectId: w.project, Name: "keyed", AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT,
	}))(t)
	file := servertest.OK(m.AddAppKey(t.Context(), &managementv1.AddAppKeyRequest{
		ProjectId: w.project, AppId: keyed.GetAppId(), Type: authnv1.KeyType_KEY_TYPE_JSON,
	}))(t).GetKeyDetails()
	w.keyed = partner{appID: keyed.GetAppId(), clientID: keyed.GetClientId(), key: readKey(t, file)}
	w.exchanger = w.newExchanger(t, w.project, "exchanger")
	w.sent = append(w.sent, w.api.secret, w.exchanger.secret)
	return w
}

func (w *installation) newExchanger(t *testing.T, project, name string) partner {
	t.Helper()
	made := servertest.OK(w.i.Owner.Management.AddOIDCApp(t.Context(), &managementv1.AddOIDCAppRequest{
		ProjectId: project, Name: name, GrantTypes: []appv1.OIDCGrantType{appv1.OIDCGrantType_OIDC_GRANT_TYPE_TOKEN_EXCHANGE},
	}))(t)
	return partner{appID: made.GetAppId(), clientID: made.GetClientId(), secret: made.GetClientSecret()}
}

// newRobot makes a machine user of an organization, which gets JWTs or opaque
// tokens.
func (w *installation) newRobot(t *testing.T, organizationID, name string, kind userv1.AccessTokenType) robot {
	t.Helper()
	m := w.i.Owner.In(organizationID).Management
	made := robot{id: servertest.OK(m.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name, AccessTokenType: kind}))(t).GetUserId()}
	file := servertest.OK(m.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: made.id, Type: authnv1.KeyType_KEY_TYPE_JSON}))(t).GetKeyDetails()
	made.key = readKey(t, file)
	made.secret = servertest.OK(m.GenerateMachineSecret(t.Context(), &managementv1.GenerateMachineSecretRequest{UserId: made.id}))(t).GetClientSecret()
	w.sent = append(w.sent, made.secret)
	return made
}

func readKey(t *testing.T, file []byte) (key tokentest.Key) {
	t.Helper()
	if err := json.Unmarshal(file, &key); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(key.PEM))
	var err error
	if key.Private, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return key
}

// issuer is that of the instance, as its clients see it.
func (w *installation) issuer(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(w.Address)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + net.JoinHostPort(w.i.Domain, port)
}

// post sends a form, as an application if one is given.
func (w *installation) post(t testing.TB, path string, as *partner, values url.Values, header ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.issuer(t)+path, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form)
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	if as != nil {
		r.SetBasicAuth(as.clientID, as.secret)
	}
	for _, name := range []string{"assertion", "client_assertion", "client_secret", "token", "subject_token", "actor_token", "access_token"} {
		w.sent = append(w.sent, values.Get(name))
	}
	return w.do(t, r)
}

func (w *installation) do(t testing.TB, r *http.Request) reply {
	t.Helper()
	answered, err := w.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{status: answered.StatusCode, header: answered.Header, text: string(text)}
	if err := json.Unmarshal(text, &got.claims); err != nil {
		t.Fatalf("%d %q: %v", got.status, text, err)
	}
	for _, name := range []string{"access_token", "id_token"} {
		if secret, ok := got.claims[name].(string); ok {
			w.sent = append(w.sent, secret)
		}
	}
	return got
}

// scope asks for all that the tests look at.
func (w *installation) scope() string {
	return scopes + " urn:zitadel:iam:org:project:id:" + w.project + ":aud"
}

// claimsOf are those of a good assertion.
func (w *installation) claimsOf(t testing.TB, subject string) tokentest.Claims {
	t.Helper()
	return tokentest.SelfSigned(subject, w.issuer(t), w.Clock.Now())
}

// asserts asks for a token with an assertion.
func (w *installation) asserts(t testing.TB, assertion string) reply {
	t.Helper()
	return w.post(t, oauth.TokenPath, nil, url.Values{"grant_type": {bearer}, "assertion": {assertion}, "scope": {w.scope()}})
}

// authenticates introspects something with an assertion of an application.
func (w *installation) authenticates(t testing.TB, assertion string) reply {
	t.Helper()
	return w.post(t, oauth.IntrospectionPath, nil, url.Values{"token": {"x"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}})
}

// tokenOf returns an access token of a machine user.
func (w *installation) tokenOf(t testing.TB, r robot) string {
	t.Helper()
	got := w.asserts(t, tokentest.Sign(t, jose.RS256, r.key.Private, r.key.ID, w.claimsOf(t, r.id)))
	text, _ := got.claims["access_token"].(string)
	if got.status != http.StatusOK || text == "" {
		t.Fatalf("%d %s", got.status, got.text)
	}
	return text
}

// uses has every endpoint look at a token. It reports where it is good.
func (w *installation) uses(t testing.TB, text string) (good map[string]bool) {
	t.Helper()
	good = make(map[string]bool)
	_, err := w.As(text).On(w.i.Domain).Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
	if good["api"] = err == nil; err != nil && connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("the API answers %v", err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.issuer(t)+oauth.UserinfoPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	w.sent = append(w.sent, text)
	told := w.do(t, r)
	if good["userinfo"] = told.status == http.StatusOK; !good["userinfo"] && told.status != http.StatusUnauthorized && told.status != http.StatusForbidden {
		t.Errorf("userinfo answers %d %s", told.status, told.text)
	}
	told = w.post(t, oauth.IntrospectionPath, &w.api, url.Values{"token": {text}})
	if good["introspection"] = told.claims["active"] == true; told.status != http.StatusOK || !good["introspection"] && told.text != inactive {
		t.Errorf("introspection answers %d %s", told.status, told.text)
	}
	told = w.post(t, oauth.TokenPath, &w.exchanger, exchangeOf(text))
	if good["exchange"] = told.status == http.StatusOK; !good["exchange"] && told.claims["error"] != "invalid_request" {
		t.Errorf("the exchange answers %d %s", told.status, told.text)
	}
	return good
}

// good checks that a token is good everywhere, bad that it is so nowhere.
func (w *installation) good(t testing.TB, text string) {
	t.Helper()
	for where, is := range w.uses(t, text) {
		if !is {
			t.Errorf("%s refuses a good token", where)
		}
	}
}

func (w *installation) bad(t testing.TB, text string) {
	t.Helper()
	for where, is := range w.uses(t, text) {
		if is {
			t.Errorf("%s takes a bad token", where)
		}
	}
}

// refuses checks that an answer is a refusal with the code, and gives nothing.
func (r reply) refuses(t testing.TB, code string) {
	t.Helper()
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	if r.status != status || r.claims["error"] != code || r.claims["access_token"] != nil {
		t.Errorf("the answer is %d %s, not %s", r.status, r.text, code)
	}
}

// robot makes a machine user of the owner's organization with opaque tokens.
func (w *installation) robot(t *testing.T, name string) robot {
	t.Helper()
	return w.newRobot(t, w.i.OrganizationID, name, userv1.AccessTokenType_ACCESS_TOKEN_TYPE_BEARER)
}

// get reads an endpoint that anybody may.
func (w *installation) get(t testing.TB, path string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.issuer(t)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.do(t, r)
}

// payloadOf returns the claims of a JWT, unverified.
func payloadOf(t testing.TB, text string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatal("it is no JWT")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
