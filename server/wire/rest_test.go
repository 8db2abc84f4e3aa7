package wire_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
)

// rest sends a REST request as the owner.
func (f *fixture) rest(t *testing.T, verb, path, body string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), verb, "http://"+f.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = ownHost
	req.Header.Set("Authorization", "Bearer "+ownerToken)
	if change != nil {
		change(req)
	}
	res, err := client1.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

func TestRESTBodies(t *testing.T) {
	f := start(t, nil)
	typed := func(contentType string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", contentType) }
	}
	sorted := `{"sortingColumn":"DOMAIN_FIELD_NAME_DOMAIN"}`
	for _, test := range []struct {
		name, verb, path, body string
		change                 func(*http.Request)
		status                 int
		answer                 string
	}{
		{"declared without a body", "POST", "/admin/v1/domains/_search", sorted, nil, 200, "DOMAIN_FIELD_NAME_DOMAIN"},
		{"empty object", "POST", "/admin/v1/domains/_search", `{}`, nil, 200, "{}"},
		{"no body", "POST", "/admin/v1/domains/_search", ``, nil, 200, "{}"},
		{"with charset", "POST", "/admin/v1/domains/_search", sorted, typed(`application/json; charset="UTF-8"`), 200, "DOMAIN_FIELD_NAME_DOMAIN"},
		{"snake case and unknown fields", "POST", "/admin/v1/domains/_search",
			`{"sorting_column":"DOMAIN_FIELD_NAME_DOMAIN","other":[1,{"x":null}]}`, nil, 200, "DOMAIN_FIELD_NAME_DOMAIN"},
		{"unknown enum name", "POST", "/admin/v1/domains/_search", `{"sortingColumn":"SOMETHING_NEW"}`, nil, 200, "{}"},
		{"null", "POST", "/admin/v1/domains/_search", `null`, nil, 400, `"code":3`},
		{"form", "POST", "/admin/v1/domains/_search", `a=b`, typed("application/x-www-form-urlencoded"), 415, `"code":3`},
		{"get with a body", "GET", "/auth/v1/users/me", `{}`, typed("application/json"), 200, `"id":"u1"`},
		{"get with an odd type", "GET", "/auth/v1/users/me", ``, typed("text/plain"), 200, `"id":"u1"`},
		{"get with unknown query", "GET", "/auth/v1/users/me?pretty=1&a.b=2&connect=v1", ``, nil, 200, `"id":"u1"`},
		{"delete with a body", "DELETE", "/admin/v1/members/u7", `{}`, typed("application/json"), 200, "{}"},
		{"server timeout of the library", "GET", "/auth/v1/users/me", ``, func(r *http.Request) {
			r.Header.Set("X-Server-Timeout", "soon")
			r.Header.Set("Connect-Timeout-Ms", "soon")
		}, 200, `"id":"u1"`},
	} {
		res, body := f.rest(t, test.verb, test.path, test.body, test.change)
		if res.StatusCode != test.status || !strings.Contains(strings.ReplaceAll(body, " ", ""), test.answer) {
			t.Errorf("%s: HTTP %d %s", test.name, res.StatusCode, body)
		}
		if got := res.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", test.name, got)
		}
	}
	if instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN == 0 {
		t.Error("the value tested with is the zero value")
	}
}

// put updates a member and returns the HTTP status and the id that the method
// saw, or the answer.
func (f *fixture) put(t *testing.T, path, body string) (int, string) {
	t.Helper()
	f.services.update = nil
	res, answer := f.rest(t, "PUT", path, body, nil)
	if res.StatusCode != 200 {
		return res.StatusCode, answer
	}
	return 200, f.services.update.GetUserId()
}

func TestPathVariables(t *testing.T) {
	f := start(t, nil)
	roles := `"roles":["IAM_OWNER"]`
	put := func(path, body string) (int, string) { return f.put(t, path, body) }
	for _, test := range []struct{ path, body, id string }{
		{"/admin/v1/members/u7", `{` + roles + `}`, "u7"},
		{"/admin/v1/members/u7", `{"userId":"u8",` + roles + `}`, "u7"},
		{"/admin/v1/members/u7", `{"user_id":"u8",` + roles + `}`, "u7"},
		{"/admin/v1/members/u7?userId=u8&user_id=u9&roles=ORG_OWNER", `{` + roles + `}`, "u7"},
		{"/admin/v1/members/a%2Fb", `{` + roles + `}`, "a/b"},
		{"/admin/v1/members/100%25", `{` + roles + `}`, "100%"},
		{"/admin/v1/members/%2541", `{` + roles + `}`, "%41"},
		{"/admin/v1/members/a:b", `{` + roles + `}`, "a:b"},
		{"/admin/v1/members/%C3%A4", `{` + roles + `}`, "ä"},
	} {
		if status, id := put(test.path, test.body); status != 200 || id != test.id {
			t.Errorf("%s %s: HTTP %d %s, want %s", test.path, test.body, status, id, test.id)
		}
	}
	for _, path := range []string{"/admin/v1/members/%FF", "/admin/v1/members/a%00b"} {
		if status, answer := put(path, `{`+roles+`}`); status != 400 || !strings.Contains(answer, "user_id") && !strings.Contains(answer, "UTF-8") {
			t.Errorf("%s: HTTP %d %s", path, status, answer)
		}
	}
	if res, _ := f.rest(t, "DELETE", "/admin/v1/members/u7", "", nil); res.StatusCode != 200 || f.services.removed != "u7" {
		t.Errorf("HTTP %d, removed %q", res.StatusCode, f.services.removed)
	}
	for _, name := range []string{"userId", "user_id"} {
		res, body := f.rest(t, "DELETE", "/admin/v1/members/u7?"+name+"=u8", "", nil)
		if res.StatusCode != 400 || !strings.Contains(body, name) {
			t.Errorf("%s in path and query: HTTP %d %s", name, res.StatusCode, body)
		}
	}
	// A whole body and a path variable together are a little more than the limit.
	pad := strings.Repeat(" ", 1<<20-len(`{`+roles+`}`))
	if status, id := put("/admin/v1/members/u7", `{`+roles+pad+`}`); status != 200 || id != "u7" {
		t.Errorf("body at the limit: HTTP %d %s", status, id)
	}
	if status, answer := put("/admin/v1/members/u7", `{`+roles+pad+` }`); status != 429 {
		t.Errorf("body over the limit: HTTP %d %s", status, answer)
	}
}

// TestUnreadableWithVariables spoils a body that the transcoder itself reads, to
// put the path into it: the method must not run on what is left.
func TestUnreadableWithVariables(t *testing.T) {
	f := start(t, nil)
	for _, body := range []string{`{"roles":7}`, `{"roles":["IAM_OWNER"]} {}`, `{"roles":`, `{"roles":["IAM_OWNER"],"roles":[]}`} {
		if status, answer := f.put(t, "/admin/v1/members/u7", body); status != 400 || strings.Contains(answer, "iolations") || f.services.update != nil {
			t.Errorf("%s: HTTP %d %s", body, status, answer)
		}
	}
}

func TestRESTErrors(t *testing.T) {
	f := start(t, nil)
	for _, test := range []struct {
		verb, path string
		status     int
		code       float64
		allow      string
	}{
		{"GET", "/management/v1/robots", 404, 5, ""},
		{"GET", "/", 404, 5, ""},
		{"GET", "/nothing/here", 404, 5, ""},
		{"GET", "/auth/v1/users/me/", 404, 5, ""},
		{"GET", "/auth/v1/users/me%2F", 404, 5, ""},
		{"POST", "/auth/v1/users/me", 405, 12, "DELETE, GET"},
		{"OPTIONS", "/auth/v1/users/me", 405, 12, "DELETE, GET"},
		{"POST", "/admin/v1/members/u7", 405, 12, "DELETE, PUT"},
		{"GET", "/zitadel.auth.v1.AuthService/GetMyUser", 405, 12, "POST"},
		{"GET", "/zitadel.auth.v1.AuthService/Nothing", 404, 5, ""},
	} {
		res, body := f.rest(t, test.verb, test.path, "", nil)
		var e struct {
			Code    float64
			Message string
			Details []map[string]any
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Errorf("%s %s: %q", test.verb, test.path, body)
			continue
		}
		if res.StatusCode != test.status || e.Code != test.code || res.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: HTTP %d, Allow %q, %s", test.verb, test.path, res.StatusCode, res.Header.Get("Allow"), body)
		}
		if len(e.Details) != 1 || e.Details[0]["@type"] != "type.googleapis.com/zitadel.v1.ErrorDetail" || e.Details[0]["message"] != e.Message {
			t.Errorf("%s %s: details %v", test.verb, test.path, e.Details)
		}
		if res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: Content-Type %q", test.verb, test.path, res.Header.Get("Content-Type"))
		}
	}
}

func TestViolations(t *testing.T) {
	f := start(t, nil)
	for _, s := range speakers {
		r := addMachine()
		r.message = nil
		r.json = `{"description":"` + strings.Repeat("ä", 501) + `"}`
		m := machine()
		m.UserName, m.Name, m.Description = "", "", strings.Repeat("ä", 501)
		if !s.json {
			r.message = m
		}
		got := s.send(t, f, r)
		if got.code != connect.CodeInvalidArgument || len(got.violations) != 3 {
			t.Errorf("%s: %v %v", s.name, got.code, got.violations)
			continue
		}
		for _, field := range []string{"user_name: ", "name: ", "description: "} {
			if !strings.Contains(got.message, field) {
				t.Errorf("%s: %q does not name %q", s.name, got.message, field)
			}
		}
		if id := got.violations[2].GetRuleId(); id != "string.max_len" {
			t.Errorf("%s: rule %q", s.name, id)
		}
	}
}

const shortTime = 50 * time.Millisecond
