package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/language"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Languages are the calls about languages.
type Languages struct{ store *store.Store }

// GetSupportedLanguages returns the languages that the server knows.
func (s Languages) GetSupportedLanguages(context.Context, *adminv1.GetSupportedLanguagesRequest) (*adminv1.GetSupportedLanguagesResponse, error) {
	return &adminv1.GetSupportedLanguagesResponse{Languages: language.Supported()}, nil
}

// GetAllowedLanguages returns the languages that the instance offers.
func (s Languages) GetAllowedLanguages(ctx context.Context, _ *adminv1.GetAllowedLanguagesRequest) (*adminv1.GetAllowedLanguagesResponse, error) {
	allowed, err := instance.AllowedLanguages(ctx, s.store.Read().OwnerPolicy)
	return &adminv1.GetAllowedLanguagesResponse{Languages: allowed}, err
}

// GetDefaultLanguage returns the default language of the instance.
func (s Languages) GetDefaultLanguage(ctx context.Context, _ *adminv1.GetDefaultLanguageRequest) (*adminv1.GetDefaultLanguageResponse, error) {
	row, err := instance.Get(ctx, s.store.Read().Instance)
	if err != nil {
		return nil, err
	}
	return &adminv1.GetDefaultLanguageResponse{Language: row.DefaultLanguage}, nil
}

// SetDefaultLanguage sets the default language of the instance.
func (s Languages) SetDefaultLanguage(ctx context.Context, req *adminv1.SetDefaultLanguageRequest) (*adminv1.SetDefaultLanguageResponse, error) {
	row, change, err := instance.SetDefaultLanguage(ctx, s.store, "language", req.GetLanguage())
	if err != nil {
		return nil, err
	}
	return &adminv1.SetDefaultLanguageResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}
