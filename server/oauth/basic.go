package oauth

import (
	"encoding/base64"
	"net/url"
	"strings"
)

const (
	// maxClientID is the length of the longest client id that is looked up, in
	// bytes: more than that of any id or login name.
	maxClientID = 2000
	// maxBasic bounds what is decoded of a header.
	maxBasic = 8 << 10
)

// parseBasic reads the client id and the secret from the value of an
// Authorization header. Both are form-urlencoded before they are joined
// (RFC 6749, 2.3.1); the name of the scheme has no case (RFC 7617, 2).
func parseBasic(header string) (clientID, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if len(header) > maxBasic || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	text, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(encoded, " "))
	if err != nil {
		return "", "", false
	}
	user, password, found := strings.Cut(string(text), ":")
	if !found {
		return "", "", false
	}
	if clientID, err = url.QueryUnescape(user); err != nil || !isClientID(clientID) {
		return "", "", false
	}
	if secret, err = url.QueryUnescape(password); err != nil || secret == "" || !isText(secret) {
		return "", "", false
	}
	return clientID, secret, true
}

// isClientID reports whether a text may be a client id.
func isClientID(text string) bool { return text != "" && len(text) <= maxClientID && isText(text) }
