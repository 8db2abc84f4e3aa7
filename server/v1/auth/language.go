package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/directory/language"
	"github.com/bastide-id/bastide/server/store"
)

// Languages are the calls about languages.
type Languages struct{ store *store.Store }

// GetSupportedLanguages returns the languages that the server knows.
func (s Languages) GetSupportedLanguages(context.Context, *authv1.GetSupportedLanguagesRequest) (*authv1.GetSupportedLanguagesResponse, error) {
	return &authv1.GetSupportedLanguagesResponse{Languages: language.Supported()}, nil
}
