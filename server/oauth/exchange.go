package oauth

import (
	"context"
)

// SCAFFOLD
func (e *endpoints) tokenExchange(context.Context, tokenRequest) (tokenAnswer, error) {
	return tokenAnswer{}, &refusal{code: unsupportedGrantType, description: "scaffold"}
}
