package token

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// maxSigned bounds what is decoded before a signature is checked, and the
	// access tokens that are JWTs: proxies take 8 KiB of a header and more.
	maxSigned = 8 << 10
	// maxAge is how old a signed token may be, and how long an assertion may
	// be valid.
	maxAge = time.Hour
	// leeway is what the clock of a signer may be ahead.
	leeway = time.Minute
)

// Why a signed token is refused. The reasons are for the log only and repeat
// nothing of the token.
var (
	errMalformed    = errors.New("it is not a JWT signed with an algorithm that is allowed")
	errSignature    = errors.New("the signature is not of the key")
	errKeyUnknown   = errors.New("there is no valid key of its issuer")
	errSubject      = errors.New("issuer and subject are not the owner of the key")
	errAudience     = errors.New("it is for another audience")
	errExpired      = errors.New("it has no expiry, or has expired")
	errIssuedAt     = errors.New("its time of issue is missing, in the future or too long ago")
	errNotYet       = errors.New("it is not valid yet")
	errValidTooLong = errors.New("it is valid for too long")
)

// parseSigned decodes a JWT that a client signed, without believing it: the
// claims count only after verify.
func parseSigned(token string, algorithms ...jose.SignatureAlgorithm) (*jwt.JSONWebToken, jwt.Claims, error) {
	var claims jwt.Claims
	if len(token) > maxSigned || strings.Count(token, ".") != 2 || !canonical(token) {
		return nil, claims, errMalformed
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, claims, errMalformed
	}
	more := parsed.Headers[0].ExtraHeaders
	if typ, _ := more[jose.HeaderType].(string); isAccessType(typ) {
		return nil, claims, errMalformed // of another kind, whoever signed it (RFC 8725, 3.12)
	}
	_, critical := more["crit"]
	if _, unencoded := more["b64"]; critical || unencoded {
		return nil, claims, errMalformed // nothing is understood beyond the standard (RFC 7515, 4.1.11; RFC 7797, 7)
	}
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return nil, claims, errMalformed
	}
	return parsed, claims, nil
}

// ScopeOf returns what an assertion asks for by its claim `scope`; empty if it
// has none. Nothing of it is believed yet.
func ScopeOf(assertion string) string {
	parsed, _, err := parseSigned(assertion, jose.RS256)
	if err != nil {
		return ""
	}
	var claims struct {
		Scope string `json:"scope"`
	}
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return ""
	}
	return claims.Scope
}

// canonical reports whether the three parts of a JWT are encoded in the one way
// that encoders do, and header and claims are UTF-8 (RFC 7519, 7.2). The decoder
// would pass over line breaks and stray bits, and let one token have many texts.
func canonical(token string) bool {
	if strings.ContainsAny(token, "\r\n") {
		return false
	}
	for i, part := range strings.Split(token, ".") {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || i < 2 && !utf8.Valid(raw) {
			return false
		}
	}
	return true
}

// verify checks the signature of a JWT, and that it is for one of the
// audiences now. The seconds are compared as they are, never subtracted: a
// claim may be any number.
func verify(token *jwt.JSONWebToken, claims jwt.Claims, key any, audiences []string, now time.Time) error {
	if err := token.Claims(key); err != nil {
		return errSignature
	}
	at := func(t time.Time) jwt.NumericDate { return jwt.NumericDate(t.Unix()) }
	switch {
	case !containsAny(claims.Audience, audiences):
		return errAudience
	case claims.Expiry == nil || *claims.Expiry <= at(now):
		return errExpired
	case claims.IssuedAt == nil || *claims.IssuedAt < at(now.Add(-maxAge)) || *claims.IssuedAt > at(now.Add(leeway)):
		return errIssuedAt
	case claims.NotBefore != nil && *claims.NotBefore > at(now.Add(leeway)):
		return errNotYet
	}
	return nil
}

func containsAny(audience jwt.Audience, wanted []string) bool {
	for _, a := range wanted {
		if a != "" && audience.Contains(a) {
			return true
		}
	}
	return false
}
