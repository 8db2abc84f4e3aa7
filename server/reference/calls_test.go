//go:build unix

package reference_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/bastide-id/bastide/gen/openapi"
	"github.com/bastide-id/bastide/server/servertest"
)

// schemas compiles what the document says of requests and answers.
type schemas struct {
	description
	compiler *jsonschema.Compiler
}

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(openapi.Document))
	if err != nil {
		t.Fatal(err)
	}
	s := &schemas{description: document(t), compiler: jsonschema.NewCompiler()}
	s.compiler.DefaultDraft(jsonschema.Draft2020)
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	return s
}

// check returns an error if a JSON text does not fit the schema at a place.
func (s *schemas) check(t *testing.T, place string, text []byte) error {
	t.Helper()
	schema, err := s.compiler.Compile("openapi.json#" + place)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return schema.Validate(value)
}

// pointer returns the place of something in the document (RFC 6901).
func pointer(names ...string) string {
	var out strings.Builder
	for _, name := range names {
		out.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name))
	}
	return out.String()
}

// call is a request as the document describes it, and what it is answered.
type call struct {
	// operation is a verb and a path of the document.
	operation string
	// path has values for the variables, in their order.
	path []string
	// query begins with a question mark.
	query string
	body  string
	// refused tells that the body does not fit the document either.
	refused bool
	token   string
	status  int
	// keep is a member of the answer that is returned.
	keep string
}

// make makes the call and asserts that request and answer are as described.
func (s *schemas) make(t *testing.T, server *servertest.Server, c call) string {
	t.Helper()
	verb, template, _ := strings.Cut(c.operation, " ")
	o, ok := s.Paths[template][strings.ToLower(verb)]
	if !ok {
		t.Fatalf("%s is not in the document", c.operation)
	}
	at := []string{"paths", template, strings.ToLower(verb)}
	if (len(o.RequestBody.Content) == 0 || !o.RequestBody.Required) && c.body == "" {
		// as described
	} else if err := s.check(t, pointer(append(at, "requestBody", "content", "application/json", "schema")...), []byte(c.body)); (err != nil) != c.refused {
		t.Errorf("%s: the request %s: %v", c.operation, c.body, err)
	}
	path := template
	for _, value := range c.path {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + value + path[to+1:]
	}
	status, answer := send(t, server, verb, path+c.query, c)
	if status != c.status {
		t.Errorf("%s: HTTP %d, want %d: %s", c.operation, status, c.status, answer)
	}
	place := pointer(append(at, "responses", strconv.Itoa(status), "content", "application/json", "schema")...)
	if _, described := o.Responses[strconv.Itoa(status)]; !described {
		if status < 400 {
			t.Errorf("%s: HTTP %d is not described", c.operation, status)
		}
		name := o.Responses["default"].Ref[strings.LastIndex(o.Responses["default"].Ref, "/")+1:]
		place = pointer("components", "responses", name, "content", "application/json", "schema")
	}
	if err := s.check(t, place, answer); err != nil {
		t.Errorf("%s: the answer %s: %v", c.operation, answer, err)
	}
	var members map[string]any
	if err := json.Unmarshal(answer, &members); err != nil {
		t.Fatal(err)
	}
	kept, _ := members[c.keep].(string)
	return kept
}

// send sends a request with JSON.
func send(t *testing.T, server *servertest.Server, verb, path string, c call) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, server.URL+path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := server.HTTP().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", c.operation, err)
	}
	return response.StatusCode, answer
}

// TestCalls makes calls of each shape, as a generated client would.
func TestCalls(t *testing.T) {
	s := newSchemas(t)
	servertest.Each(t, func(t *testing.T, server *servertest.Server) {
		owner, system := server.OwnerToken, server.SystemToken(t)
		one := func(c call) string {
			t.Helper()
			if c.token == "" {
				c.token = owner
			}
			return s.make(t, server, c)
		}
		machine := one(call{operation: "POST /management/v1/users/machine", body: `{"userName":"bot","name":"Bot","accessTokenType":"ACCESS_TOKEN_TYPE_JWT"}`, status: 200, keep: "userId"})
		human := one(call{operation: "POST /management/v1/users/human/_import", status: 200, keep: "userId", body: `{"userName":"ada","profile":{"firstName":"Ada","lastName":"L","gender":"GENDER_FEMALE","preferredLanguage":"en"},
			"email":{"email":"ada@example.com","isEmailVerified":true},"phone":{"phone":"+41791234567"},"password":"Password1!"}`})
		project := one(call{operation: "POST /management/v1/projects", body: `{"name":"Orders"}`, status: 200, keep: "id"})
		if machine == "" || human == "" || project == "" {
			t.Fatal("an answer has no id")
		}
		for _, c := range slices.Concat(reads(machine, human, project), changes(machine, human, project), refusals(machine, project)) {
			one(c)
		}
		for _, c := range systemCalls(server.InstanceID) {
			c.token = system
			one(c)
		}
		bot := one(call{operation: "POST /management/v1/users/{user_id}/pats", path: []string{machine}, status: 200, keep: "token"})
		s.make(t, server, call{operation: "POST /management/v1/projects", body: `{"name":"Others"}`, token: bot, status: 403})
		for _, operation := range []string{"GET /auth/v1/users/me", "GET /admin/v1/instances/me", "POST /zitadel.webkey.v2.WebKeyService/CreateWebKey"} {
			body := map[bool]string{true: "{}"}[strings.HasPrefix(operation, "POST")]
			s.make(t, server, call{operation: operation, body: body, token: "no token", status: 401})
		}
		for _, operation := range []string{"GET /auth/v1/healthz", "GET /management/v1/zitadel/docs"} {
			s.make(t, server, call{operation: operation, status: 200})
		}
	})
}

func reads(machine, human, project string) []call {
	const names = `{"firstNameQuery":{"firstName":"a","method":"TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE"}}`
	return []call{
		{operation: "GET /auth/v1/users/me", status: 200},
		{operation: "GET /management/v1/users/{id}", path: []string{machine}, status: 200},
		{operation: "GET /management/v1/users/{id}", path: []string{human}, status: 200},
		{operation: "GET /management/v1/users/{user_id}/profile", path: []string{human}, status: 200},
		{operation: "GET /management/v1/orgs/me", status: 200},
		{operation: "GET /admin/v1/instances/me", status: 200},
		{operation: "GET /management/v1/users/_is_unique", query: "?userName=ada&email=x%40example.com", status: 200},
		{operation: "GET /management/v1/global/users/_by_login_name", query: "?loginName=ada", status: 200},
		{operation: "POST /management/v1/users/_search", status: 200},
		{operation: "POST /management/v1/users/_search", body: `{}`, status: 200},
		{operation: "POST /management/v1/users/_search", status: 200, body: `{"query":{"offset":"0","limit":2,"asc":true},"sortingColumn":"USER_FIELD_NAME_USER_NAME",
			"queries":[{"orQuery":{"queries":[` + names + `,{"typeQuery":{"type":"TYPE_MACHINE"}}]}}]}`},
		{operation: "POST /management/v1/users/{user_id}/changes/_search", path: []string{human}, body: `{"query":{"limit":5}}`, status: 200},
		{operation: "POST /management/v1/orgs/me/members/_search", body: `{}`, status: 200},
		{operation: "POST /management/v1/projects/_search", body: `{"queries":[{"nameQuery":{"name":"Ord","method":"TEXT_QUERY_METHOD_CONTAINS"}}]}`, status: 200},
		{operation: "POST /admin/v1/events/_search", body: `{"limit":50,"asc":true}`, status: 200},
		{operation: "POST /management/v1/users/{user_id}/memberships/_search", path: []string{machine}, body: `{}`, status: 200},
		{operation: "GET /v2/web_keys", status: 200},
		{operation: "GET /management/v1/policies/password/complexity", status: 200},
		{operation: "GET /admin/v1/policies/domain", status: 200},
		{operation: "POST /management/v1/projects/{project_id}/apps/_search", path: []string{project}, body: `{}`, status: 200},
	}
}

func changes(machine, human, project string) []call {
	return []call{
		{operation: "POST /management/v1/users/{user_id}/pats", path: []string{machine}, body: `{"expirationDate":"2999-01-01T00:00:00Z"}`, status: 200},
		{operation: "POST /management/v1/users/{user_id}/keys", path: []string{machine}, body: `{"type":"KEY_TYPE_JSON"}`, status: 200},
		{operation: "PUT /management/v1/users/{user_id}/secret", path: []string{machine}, status: 200},
		{operation: "POST /management/v1/users/{id}/metadata/{key}", path: []string{human, "colour"}, body: `{"value":"Ymx1ZQ=="}`, status: 200},
		{operation: "GET /management/v1/users/{id}/metadata/{key}", path: []string{human, "colour"}, status: 200},
		{operation: "DELETE /management/v1/users/{id}/metadata/_bulk", path: []string{human}, body: `{"keys":["colour"]}`, status: 200},
		{operation: "POST /management/v1/projects/{project_id}/roles", path: []string{project}, body: `{"roleKey":"read/all","displayName":"Reader"}`, status: 200},
		{operation: "PUT /management/v1/projects/{project_id}/roles/{role_key}", path: []string{project, "read/all"}, body: `{"displayName":"Readers"}`, status: 200},
		{operation: "POST /management/v1/projects/{project_id}/roles/_search", path: []string{project}, body: `{}`, status: 200},
		{operation: "POST /management/v1/projects/{project_id}/apps/oidc", path: []string{project}, status: 200, body: `{"name":"web","redirectUris":["https://app.example.com/callback"],
			"responseTypes":["OIDC_RESPONSE_TYPE_CODE"],"grantTypes":["OIDC_GRANT_TYPE_AUTHORIZATION_CODE"],"clockSkew":"1.5s"}`},
		{operation: "POST /management/v1/projects/{project_id}/apps/_search", path: []string{project}, body: `{}`, status: 200},
		{operation: "POST /management/v1/users/{user_id}/grants", path: []string{human}, body: `{"projectId":"` + project + `","roleKeys":["read/all"]}`, status: 200},
		{operation: "POST /management/v1/users/grants/_search", body: `{}`, status: 200},
		{operation: "POST /zitadel.webkey.v2.WebKeyService/CreateWebKey", body: `{}`, status: 200},
		{operation: "POST /zitadel.webkey.v2.WebKeyService/CreateWebKey", body: `{"ecdsa":{"curve":"ECDSA_CURVE_P256"}}`, status: 200},
		{operation: "GET /v2/web_keys", status: 200},
		{operation: "POST /v2/organizations", body: `{"name":"Branch"}`, status: 201},
		{operation: "POST /management/v1/users/{id}/_lock", path: []string{human}, status: 200},
		{operation: "DELETE /management/v1/users/{id}", path: []string{human}, status: 200},
	}
}

// refusals are what the server refuses; where refused is set, so does the
// document.
func refusals(machine, project string) []call {
	twentyOne := `{"queries":[` + strings.TrimSuffix(strings.Repeat(`{"typeQuery":{"type":"TYPE_HUMAN"}},`, 21), ",") + `]}`
	return []call{
		{operation: "POST /management/v1/users/machine", body: `{}`, refused: true, status: 400},
		{operation: "POST /management/v1/users/machine", body: `{"userName":"` + strings.Repeat("x", 201) + `","name":"Bot"}`, refused: true, status: 400},
		{operation: "POST /management/v1/users/machine", body: `{"userName":"bot","name":"Bot"}`, status: 409},
		{operation: "POST /management/v1/users/human/_import", body: `{"userName":"x","profile":{"firstName":"X","lastName":"Y"},"email":{"email":"no address"}}`, refused: true, status: 400},
		{operation: "POST /management/v1/users/_search", body: twentyOne, refused: true, status: 400},
		{operation: "POST /management/v1/users/_search", body: `{"queries":[{}]}`, refused: true, status: 400},
		{operation: "POST /management/v1/users/_search", body: `{"query":{"limit":-1}}`, refused: true, status: 400},
		{operation: "POST /management/v1/users/_search", body: `{"query":{"limit":100000}}`, status: 400},
		{operation: "POST /management/v1/users/{id}/metadata/{key}", path: []string{machine, "k"}, body: `{"value":""}`, refused: true, status: 400},
		{operation: "POST /management/v1/users/{user_id}/pats", path: []string{machine}, body: `{"expirationDate":"tomorrow"}`, refused: true, status: 400},
		{operation: "POST /management/v1/projects/{project_id}/apps/oidc", path: []string{project}, body: `{"name":"x","clockSkew":"5"}`, refused: true, status: 400},
		{operation: "GET /management/v1/users/{id}", path: []string{"nobody"}, status: 404},
		{operation: "POST /zitadel.webkey.v2.WebKeyService/ActivateWebKey", body: `{"id":"1"}`, status: 404},
		{operation: "POST /zitadel.webkey.v2.WebKeyService/ActivateWebKey", body: `{}`, refused: true, status: 400},
		{operation: "POST /system/v1/instances/_search", body: `{}`, status: 401},
	}
}

func systemCalls(instance string) []call {
	return []call{
		{operation: "POST /system/v1/instances/_search", body: `{"queries":[{"idQuery":{"ids":["` + instance + `"]}}]}`, status: 200},
		{operation: "GET /system/v1/instances/{instance_id}", path: []string{instance}, status: 200},
		{operation: "POST /system/v1/instances/{instance_id}/members/_search", path: []string{instance}, body: `{"sortingColumn":"MEMBER_FIELD_NAME_USER_ID"}`, status: 200},
		{operation: "POST /system/v1/instances/_create", status: 200, body: `{"instanceName":"Acme","customDomain":"acme.test",
			"machine":{"userName":"owner","name":"Owner","personalAccessToken":{},"machineKey":{"type":"KEY_TYPE_JSON"}}}`},
		{operation: "POST /system/v1/instances/_create", body: `{"instanceName":"Acme"}`, refused: true, status: 400},
		{operation: "POST /system/v1/instances/{instance_id}/domains", path: []string{instance}, body: `{"domain":"other.test"}`, status: 200},
		{operation: "DELETE /system/v1/instances/{instance_id}/domains/{domain}", path: []string{instance, "other.test"}, status: 200},
	}
}
