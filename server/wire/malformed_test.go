package wire_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/wire"
)

// machine is a request that is fine.
func machine() *managementv1.AddMachineUserRequest {
	return &managementv1.AddMachineUserRequest{UserName: "robot", Name: "Robot"}
}

// addMachine is a call that is fine.
func addMachine() request {
	return request{
		procedure: "/zitadel.management.v1.ManagementService/AddMachineUser",
		verb:      http.MethodPost, path: "/management/v1/users/machine",
		message: machine(), token: ownerToken,
	}
}

// getMyUser is a call without a body.
func getMyUser() request {
	return request{
		procedure: "/zitadel.auth.v1.AuthService/GetMyUser",
		verb:      http.MethodGet, path: "/auth/v1/users/me",
		message: &authv1.GetMyUserRequest{}, token: ownerToken,
	}
}

const bodyLimit = 1 << 16

type malformed struct {
	name  string
	call  func(s speaker) request
	code  connect.Code
	id    string
	names string // what the message must name
	http  int    // the HTTP status where it is not that of the code
	only  func(s speaker) bool
}

func spoil(change func(s speaker, r *request)) func(speaker) request {
	return func(s speaker) request {
		r := addMachine()
		change(s, &r)
		return r
	}
}

func anyText(s speaker, data []byte) []byte {
	if s.text {
		return []byte(base64.StdEncoding.EncodeToString(data))
	}
	return data
}

// The one table of what callers do wrong, sent over every protocol.
var malformedCalls = []malformed{
	{name: "message that is none", code: connect.CodeInvalidArgument, id: "request.invalid",
		call: spoil(func(_ speaker, r *request) { r.json, r.proto = `{"userName":`, []byte{0x0a, 0xff} })},
	{name: "wrong type", code: connect.CodeInvalidArgument, id: "request.invalid", names: "userName", only: isJSON,
		call: spoil(func(_ speaker, r *request) { r.json = `{"userName":7}` })},
	{name: "duplicate key", code: connect.CodeInvalidArgument, id: "request.invalid", names: "user_name", only: isJSON,
		call: spoil(func(_ speaker, r *request) { r.json = `{"userName":"a","user_name":"b","name":"c"}` })},
	{name: "after the value", code: connect.CodeInvalidArgument, id: "request.invalid", only: isJSON,
		call: spoil(func(_ speaker, r *request) { r.json = `{"userName":"a","name":"c"} {}` })},
	{name: "not UTF-8", code: connect.CodeInvalidArgument, id: "request.invalid",
		call: spoil(func(_ speaker, r *request) { r.json, r.proto = "{\"userName\":\"\xff\"}", []byte{0x0a, 1, 0xff} })},
	{name: "truncated prefix", code: connect.CodeInvalidArgument, id: "request.invalid", only: isEnveloped,
		call: spoil(func(s speaker, r *request) { r.raw = anyText(s, []byte{0, 0, 0}) })},
	{name: "truncated message", code: connect.CodeInvalidArgument, id: "request.invalid", only: isEnveloped,
		call: spoil(func(s speaker, r *request) { r.raw = anyText(s, frame(0, []byte("abcdef"))[:8]) })},
	{name: "no message", code: connect.CodeInvalidArgument, id: "request.invalid", only: isEnveloped,
		call: spoil(func(_ speaker, r *request) { r.raw = []byte{} })},
	{name: "two messages", code: connect.CodeInvalidArgument, id: "request.invalid", only: isEnveloped,
		call: spoil(func(s speaker, r *request) { r.raw = anyText(s, append(frame(0, nil), frame(0, nil)...)) })},
	{name: "unknown flag", code: connect.CodeInvalidArgument, id: "request.invalid", names: "flags 0x4", only: isEnveloped,
		call: spoil(func(s speaker, r *request) { r.raw = anyText(s, frame(4, nil)) })},
	{name: "compressed without a word", code: connect.CodeInvalidArgument, id: "request.invalid", only: isEnveloped,
		call: spoil(func(s speaker, r *request) { r.raw = anyText(s, frame(1, []byte("x"))) })},
	{name: "not base64", code: connect.CodeInvalidArgument, id: "request.invalid", only: isText,
		call: spoil(func(_ speaker, r *request) { r.raw = []byte("*&^%") })},
	{name: "over the limit", code: connect.CodeResourceExhausted, id: "request.too_large",
		call: spoil(func(_ speaker, r *request) {
			m := machine()
			m.Description = strings.Repeat("x", bodyLimit)
			r.message = m
		})},
	{name: "over the limit after gzip", code: connect.CodeResourceExhausted, id: "request.too_large",
		call: spoil(func(_ speaker, r *request) {
			m := machine()
			m.Description = strings.Repeat("x", bodyLimit)
			r.message, r.gzip = m, true
		})},
	{name: "not gzip", code: connect.CodeInvalidArgument, id: "request.invalid",
		call: spoil(func(s speaker, r *request) {
			r.header = http.Header{s.encodingHeader(): {"gzip"}}
			r.raw = []byte("plain")
			if s.enveloped {
				r.raw = anyText(s, frame(1, r.raw))
			}
		})},
	{name: "truncated gzip", code: connect.CodeInvalidArgument, id: "request.invalid", names: "gzip", only: not(isEnveloped),
		call: spoil(func(s speaker, r *request) {
			r.header = http.Header{s.encodingHeader(): {"gzip"}}
			r.raw = zipped([]byte(`{"userName":"robot"}`))[:25]
		})},
	{name: "unknown compression", code: connect.CodeUnimplemented, id: "request.compression", names: "lzma",
		call: spoil(func(s speaker, r *request) { r.header = http.Header{s.encodingHeader(): {"lzma"}} })},
	{name: "unknown codec", code: connect.CodeInvalidArgument, id: "request.media_type", http: http.StatusUnsupportedMediaType,
		call: spoil(func(s speaker, r *request) {
			wrong := "application/xml"
			if s.enveloped {
				wrong = strings.TrimSuffix(s.contentType, "+proto") + "+xml"
			}
			r.header = http.Header{"Content-Type": {wrong}}
		})},
	{name: "unknown charset", code: connect.CodeInvalidArgument, id: "request.media_type", http: http.StatusUnsupportedMediaType, only: isJSON,
		call: spoil(func(_ speaker, r *request) {
			r.header = http.Header{"Content-Type": {"application/json; charset=latin1"}}
		})},
	{name: "unreadable timeout", code: connect.CodeInvalidArgument, id: "request.invalid", names: "timeout", only: not(isREST),
		call: spoil(func(_ speaker, r *request) {
			r.header = http.Header{"Connect-Timeout-Ms": {"soon"}, "Grpc-Timeout": {"soon"}}
		})},
	{name: "another protocol's timeout and version", code: connect.CodeInvalidArgument, id: "request.nul", only: isEnveloped,
		call: spoil(func(_ speaker, r *request) {
			r.header = http.Header{"Connect-Timeout-Ms": {"soon"}, "Connect-Protocol-Version": {"2"}}
			m := machine()
			m.Name = "\x00"
			r.message = m
		})},
	{name: "unknown protocol version", code: connect.CodeInvalidArgument, id: "request.invalid", names: "version",
		only: func(s speaker) bool { return !s.rest && !s.enveloped },
		call: spoil(func(_ speaker, r *request) { r.header = http.Header{"Connect-Protocol-Version": {"2"}} })},
	{name: "NUL in a text", code: connect.CodeInvalidArgument, id: "request.nul", names: "description",
		call: spoil(func(_ speaker, r *request) {
			m := machine()
			m.Description = "a\x00b"
			r.message = m
		})},
	{name: "breaks rules", code: connect.CodeInvalidArgument, id: "request.invalid", names: "user_name: ",
		call: spoil(func(_ speaker, r *request) { r.message = &managementv1.AddMachineUserRequest{} })},
	{name: "field not supported", code: connect.CodeUnimplemented, id: "request.field_unsupported", names: "otp_code",
		call: func(speaker) request {
			return request{
				procedure: "/zitadel.management.v1.ManagementService/ImportHumanUser",
				verb:      http.MethodPost, path: "/management/v1/users/human/_import",
				message: &managementv1.ImportHumanUserRequest{OtpCode: "x"}, token: ownerToken,
			}
		}},
	{name: "no token, malformed", code: connect.CodeUnauthenticated, id: "auth.token_invalid",
		call: spoil(func(_ speaker, r *request) { r.token, r.raw = "", []byte("{") })},
	{name: "no token, unknown codec", code: connect.CodeUnauthenticated, id: "auth.token_invalid",
		call: spoil(func(s speaker, r *request) {
			r.token = ""
			if !s.enveloped {
				r.header = http.Header{"Content-Type": {"application/xml"}}
			}
		})},
	{name: "no token, unknown compression", code: connect.CodeUnauthenticated, id: "auth.token_invalid",
		call: spoil(func(s speaker, r *request) { r.token, r.header = "", http.Header{s.encodingHeader(): {"lzma"}} })},
	{name: "unknown token", code: connect.CodeUnauthenticated, id: "auth.token_invalid",
		call: spoil(func(_ speaker, r *request) { r.token = "nonsense" })},
	{name: "no permission, malformed", code: connect.CodePermissionDenied, id: "auth.permission_missing",
		call: spoil(func(_ speaker, r *request) { r.token, r.raw = nobodyToken, []byte("{") })},
	{name: "no permission, too large", code: connect.CodePermissionDenied, id: "auth.permission_missing",
		call: spoil(func(_ speaker, r *request) { r.token, r.raw = nobodyToken, bytes.Repeat([]byte("x"), 2*bodyLimit) })},
	{name: "unknown host", code: connect.CodeNotFound, id: "request.host_unknown", names: "nowhere.test",
		call: spoil(func(_ speaker, r *request) { r.host = "nowhere.test:8080" })},
	{name: "unknown organization", code: connect.CodePermissionDenied, id: "auth.organization_denied",
		call: spoil(func(_ speaker, r *request) { r.header = http.Header{"X-Zitadel-Orgid": {"o2"}} })},
	{name: "two organizations", code: connect.CodeInvalidArgument, id: "request.header_repeated", names: "x-zitadel-orgid",
		call: spoil(func(_ speaker, r *request) { r.header = http.Header{"X-Zitadel-Orgid": {"o1", "o1"}} })},
	{name: "two positions", code: connect.CodeInvalidArgument, id: "request.header_repeated", names: "x-bastide-position",
		call: spoil(func(_ speaker, r *request) {
			p := caller.NewPosition().String()
			r.header = http.Header{"X-Bastide-Position": {p, p}}
		})},
	{name: "two positions in one", code: connect.CodeInvalidArgument, id: "request.header_repeated", names: "x-bastide-position",
		call: spoil(func(_ speaker, r *request) {
			r.header = http.Header{"X-Bastide-Position": {caller.NewPosition().String() + ", " + caller.NewPosition().String()}}
		})},
	{name: "position that is none", code: connect.CodeInvalidArgument, id: "request.position", names: "x-bastide-position",
		call: spoil(func(_ speaker, r *request) { r.header = http.Header{"X-Bastide-Position": {"1"}} })},
	{name: "position without end", code: connect.CodeInvalidArgument, id: "request.position", names: "x-bastide-position",
		call: spoil(func(_ speaker, r *request) {
			r.header = http.Header{"X-Bastide-Position": {strings.Repeat("A", 10_000)}}
		})},
	{name: "position that is none, no token, unknown host", code: connect.CodeInvalidArgument, id: "request.position",
		call: spoil(func(_ speaker, r *request) {
			r.token, r.host, r.header = "", "nowhere.test", http.Header{"X-Bastide-Position": {"\xff"}}
		})},
	{name: "database down at the door", code: connect.CodeInternal, id: "internal", names: "internal error",
		call: spoil(func(_ speaker, r *request) { r.token = brokenToken })},
	{name: "unknown method", code: connect.CodeUnimplemented, id: "request.method_unknown", names: "AddRobot", only: not(isREST),
		call: spoil(func(_ speaker, r *request) {
			r.procedure, r.token = "/zitadel.management.v1.ManagementService/AddRobot", ""
		})},
	{name: "unknown service", code: connect.CodeUnimplemented, id: "request.method_unknown", names: "RobotService", only: not(isREST),
		call: spoil(func(_ speaker, r *request) { r.procedure = "/zitadel.robot.v3.RobotService/Add" })},
	{name: "unknown path", code: connect.CodeNotFound, id: "request.path_unknown", only: isREST,
		call: spoil(func(_ speaker, r *request) { r.path = "/management/v1/robots" })},
	{name: "wrong verb", code: connect.CodeUnimplemented, id: "request.verb_wrong", http: http.StatusMethodNotAllowed, only: isREST,
		call: spoil(func(_ speaker, r *request) { r.verb = http.MethodPut })},
}

func isJSON(s speaker) bool      { return s.json }
func isEnveloped(s speaker) bool { return s.enveloped }
func isText(s speaker) bool      { return s.text }
func isREST(s speaker) bool      { return s.rest }

func not(f func(speaker) bool) func(speaker) bool { return func(s speaker) bool { return !f(s) } }

var httpStatus = map[connect.Code]int{
	connect.CodeInvalidArgument: 400, connect.CodeFailedPrecondition: 400, connect.CodeUnauthenticated: 401,
	connect.CodePermissionDenied: 403, connect.CodeNotFound: 404, connect.CodeAlreadyExists: 409,
	connect.CodeResourceExhausted: 429, connect.CodeUnimplemented: 501, connect.CodeInternal: 500,
	connect.CodeUnavailable: 503, connect.CodeDeadlineExceeded: 504, connect.CodeCanceled: 499,
}

func TestMalformed(t *testing.T) {
	f := start(t, func(c *wire.Config) { c.Limits.MaxBody = bodyLimit })
	for _, m := range malformedCalls {
		for _, s := range speakers {
			if m.only != nil && !m.only(s) {
				continue
			}
			t.Run(m.name+"/"+s.name, func(t *testing.T) {
				got := s.send(t, f, m.call(s))
				m.check(t, s, got)
				checkLines(t, f.logs.take(), m.code)
			})
		}
	}
	if f.services.machine != nil {
		t.Error("a malformed call reached the method")
	}
}

func (m malformed) check(t *testing.T, s speaker, got reply) {
	t.Helper()
	if got.code != m.code || got.id != m.id || !strings.Contains(got.message, m.names) {
		t.Fatalf("code %v, id %q, message %q; want %v, %q, naming %q", got.code, got.id, got.message, m.code, m.id, m.names)
	}
	if got.message == "" || strings.Contains(got.message, "secret") {
		t.Errorf("message %q", got.message)
	}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", got.header.Get("Cache-Control"))
	}
	if s.enveloped {
		return
	}
	want := m.http
	if want == 0 {
		want = httpStatus[m.code]
	}
	if got.status != want {
		t.Errorf("HTTP %d, want %d", got.status, want)
	}
	if challenge := got.header.Get("WWW-Authenticate"); (challenge == "Bearer") != (got.status == 401) {
		t.Errorf("WWW-Authenticate %q", challenge)
	}
}

// checkLines expects one line, loud for what is our fault only, without secrets.
func checkLines(t *testing.T, lines []string, code connect.Code) {
	t.Helper()
	if len(lines) != 1 {
		t.Fatalf("%d log lines: %q", len(lines), lines)
	}
	line := lines[0]
	if loud := strings.Contains(line, "level=ERROR"); loud != (code == connect.CodeInternal) {
		t.Errorf("line %q for %v", line, code)
	}
	if !strings.Contains(line, "code="+code.String()) || strings.Contains(line, "token-secret") {
		t.Errorf("line %q", line)
	}
}
