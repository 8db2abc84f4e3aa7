package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenPath is where assertions are exchanged.
const tokenPath = "/oauth/v2/token"

const (
	grantJWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// scopeAPI makes a token good for the APIs.
	scopeAPI = "openid urn:zitadel:iam:org:project:id:zitadel:aud"
)

// assertionLifetime leaves room for a clock that is late. An assertion is
// accepted once only.
const assertionLifetime = 10 * time.Minute

// maxTokenAnswer bounds what is read of the token endpoint's answer.
const maxTokenAnswer = 1 << 20

// exchange is where and by what a key gets its tokens.
type exchange struct {
	http     connect.HTTPClient
	endpoint string
	audience string
	now      func() time.Time
}

// machineKey is the key of a machine user.
type machineKey struct {
	userID string
	signer jose.Signer
}

// parseKey reads a key file. Its errors quote nothing of it.
func parseKey(content []byte) (machineKey, error) {
	var file struct {
		Type   string `json:"type"`
		KeyID  string `json:"keyId"`
		Key    string `json:"key"`
		UserID string `json:"userId"`
	}
	if json.Unmarshal(content, &file) != nil {
		return machineKey{}, errors.New("it is not the JSON of a key file")
	}
	switch {
	case file.Type == "application":
		return machineKey{}, errors.New("the key is one of an application: it must be one of a machine user, of the type serviceaccount")
	case file.Type != "serviceaccount":
		return machineKey{}, errors.New("the key file must be of the type serviceaccount")
	case file.KeyID == "" || file.UserID == "" || file.Key == "":
		return machineKey{}, errors.New("the key file must have keyId, key and userId")
	}
	key, err := parsePrivateKey([]byte(file.Key))
	if err != nil {
		return machineKey{}, fmt.Errorf("key: %w", err)
	}
	signer, err := newSigner(key, (&jose.SignerOptions{}).WithHeader(jose.HeaderKey("kid"), file.KeyID))
	if err != nil {
		return machineKey{}, fmt.Errorf("key: %w", err)
	}
	return machineKey{userID: file.UserID, signer: signer}, nil
}

// issuer returns what exchanges the key for tokens (RFC 7523, 2.1).
func (k machineKey) issuer(e exchange) issue {
	return func(ctx context.Context) (string, time.Duration, error) {
		claims := selfSigned(k.userID, e.audience, e.now(), assertionLifetime)
		assertion, err := jwt.Signed(k.signer).Claims(claims).Serialize()
		if err != nil {
			return "", 0, connect.NewError(connect.CodeInternal, fmt.Errorf("the assertion cannot be signed: %w", err))
		}
		return e.post(ctx, url.Values{"grant_type": {grantJWT}, "scope": {scopeAPI}, "assertion": {assertion}})
	}
}

// post asks for a token. It returns Unavailable if the server cannot be reached
// or does not work, Unauthenticated if it refuses, and Unknown for what is no
// answer of a token endpoint.
func (e exchange) post(ctx context.Context, form url.Values) (string, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, connect.NewError(connect.CodeInternal, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := e.http.Do(request)
	if err != nil {
		return "", 0, e.failed(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxTokenAnswer))
	if err != nil {
		return "", 0, e.failed(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", 0, tokenRefused(response.StatusCode, body)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if json.Unmarshal(body, &answer) != nil || checkHeader(answer.AccessToken) != nil || !strings.EqualFold(answer.TokenType, "Bearer") {
		return "", 0, connect.NewError(connect.CodeUnknown, errors.New("what the token endpoint answered is no token"))
	}
	return answer.AccessToken, time.Duration(min(max(answer.ExpiresIn, 0), maxExpiresIn)) * time.Second, nil
}

// maxExpiresIn keeps the arithmetic of times from running over.
const maxExpiresIn = 10 * 365 * 24 * 60 * 60

func (e exchange) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	return connect.NewError(connect.CodeUnavailable, fmt.Errorf("the token endpoint cannot be reached: %w", err))
}

// tokenRefused returns the error of a token endpoint's answer (RFC 6749, 5.2).
func tokenRefused(status int, body []byte) error {
	switch {
	case status == http.StatusTooManyRequests:
		return connect.NewError(connect.CodeResourceExhausted, errors.New("the token endpoint is asked too often"))
	case status >= http.StatusInternalServerError:
		return connect.NewError(connect.CodeUnavailable, fmt.Errorf("the token endpoint answered with status %d", status))
	}
	var refusal struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.Error == "" {
		return connect.NewError(connect.CodeUnknown, fmt.Errorf("the token endpoint answered with status %d: is this the URL of the server?", status))
	}
	text := "the key was refused: " + refusal.Error
	if refusal.Description != "" {
		text += ": " + refusal.Description
	}
	return connect.NewError(connect.CodeUnauthenticated, errors.New(text))
}
