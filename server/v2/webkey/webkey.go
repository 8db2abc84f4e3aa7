// Package webkey is zitadel.webkey.v2.WebKeyService.
package webkey

import "github.com/bastide-id/bastide/server/token"

// Service is the WebKeyService.
type Service struct {
	Keys
}

// New returns the service, which works on the signing keys of tokens.
func New(tokens *token.Tokens) Service { return Service{Keys: Keys{tokens: tokens}} }
