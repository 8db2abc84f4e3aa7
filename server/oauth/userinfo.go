package oauth

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/fault"
)

// userinfoVerbs are those that OpenID Connect Core 1.0, 5.3, wants; HEAD goes
// where GET does.
var userinfoVerbs = []string{http.MethodGet, http.MethodHead, http.MethodPost}

const (
	// parameterToken is where a body has the token (RFC 6750, 2.2), if it is of
	// formType.
	parameterToken = "access_token"
	formType       = "application/x-www-form-urlencoded"
)

// The challenges of who is refused (RFC 6750, 3). One who sent no token is told
// what to send, and no error.
const (
	challengeNone    = oidc.BearerToken + ` scope="` + oidc.ScopeOpenID + `"`
	challengeRequest = oidc.BearerToken + ` error="` + invalidRequest + `"`
	challengeToken   = oidc.BearerToken + ` error="` + invalidToken + `"`
	challengeScope   = oidc.BearerToken + ` error="` + insufficientScope + `", scope="` + oidc.ScopeOpenID + `"`
)

// userinfo tells who has a token about its user (OpenID Connect Core 1.0, 5.3).
func (e *endpoints) userinfo(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(userinfoVerbs, r.Method) {
		refuseVerb(w, userinfoVerbs...)
		return
	}
	text, err := bearerToken(w, r)
	if err == nil && text == "" {
		w.Header().Set("WWW-Authenticate", challengeNone)
		answer(w, http.StatusUnauthorized, struct{}{})
		return
	}
	var told claims
	if err == nil {
		told, err = e.userClaims(r.Context(), text)
	}
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, told)
}

// bearerToken returns the token of a request, from the header or the body, and
// empty if there is none (RFC 6750, 2.1 and 2.2). It returns a refusal for one
// in the address, where logs and histories keep it, for more than one, and for a
// body that cannot be read.
func bearerToken(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.URL.RawQuery != "" && r.URL.Query().Has(parameterToken) {
		return "", badBearer("the address is no place for the parameter access_token: send it in the header Authorization")
	}
	var inHeader string
	headers := r.Header["Authorization"]
	if len(headers) > 1 {
		return "", badBearer("the header Authorization is sent more than once")
	}
	if len(headers) == 1 {
		if scheme, text, _ := strings.Cut(headers[0], " "); strings.EqualFold(scheme, oidc.BearerToken) {
			inHeader = strings.Trim(text, " ")
		}
	}
	if !hasForm(r) {
		return inHeader, nil
	}
	form, err := readForm(w, r)
	var refused *refusal
	if errors.As(err, &refused) {
		return "", badBearer(refused.description)
	}
	if err != nil {
		return "", err
	}
	inBody := form.Get(parameterToken)
	if inHeader != "" && inBody != "" {
		return "", badBearer("the token is sent in the header Authorization and in the parameter access_token")
	}
	return inHeader + inBody, nil
}

// hasForm reports whether a request may have parameters in its body.
func hasForm(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == formType
}

// badBearer is the refusal of a request that sends a token as none is sent.
func badBearer(description string) error {
	return &refusal{code: invalidRequest, description: description, challenge: challengeRequest}
}

// userClaims returns what the scopes of a token ask for. It returns a refusal
// for a token that is not valid, does not have the scope openid, or stands for
// no user.
func (e *endpoints) userClaims(ctx context.Context, text string) (claims, error) {
	b, err := e.tokens.Bearer(ctx, text)
	if errors.Is(err, fault.TokenInvalid.With()) {
		return nil, &refusal{
			status: http.StatusUnauthorized, code: invalidToken,
			description: "the access token is not valid", challenge: challengeToken,
		}
	}
	if err != nil {
		return nil, err
	}
	if b.UserKey == 0 || !slices.Contains(b.Scopes, oidc.ScopeOpenID) {
		return nil, &refusal{
			status: http.StatusForbidden, code: insufficientScope,
			description: "the access token does not have the scope openid, or stands for no user", challenge: challengeScope,
		}
	}
	e.tokens.NoteUse(ctx, b)
	projectID, err := e.claims.clientProject(ctx, b)
	if err != nil {
		return nil, err
	}
	told, err := e.claims.of(ctx, about{
		userKey: b.UserKey, asks: readScopes(b.Scopes), personal: true, metadata: maxMetadata,
		roles: append(ownProject(projectID), otherProjects(b.Audience, b.ClientID, projectID)...),
	})
	if err == nil {
		told["sub"] = b.UserID
	}
	return told, err
}
