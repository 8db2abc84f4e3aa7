package admin_test

import (
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// supported are the languages of the server.
var supported = []string{
	"bg", "cs", "de", "en", "es", "fr", "hu", "id", "it", "ja", "ko",
	"mk", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "zh",
}

func TestGetSupportedLanguages(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for _, c := range []*servertest.Caller{i.NewToken(t, i.NewMachine(t, "nobody")), s.AsSystem(t).On(i.Domain)} {
			c.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				got := servertest.OK(c.Admin.GetSupportedLanguages(t.Context(), &adminv1.GetSupportedLanguagesRequest{}))(t)
				s.Equal(t, got, &adminv1.GetSupportedLanguagesResponse{Languages: supported})
			})
		}
		s.As("").On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Admin.GetSupportedLanguages(t.Context(), &adminv1.GetSupportedLanguagesRequest{})
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		})
	})
}

func TestDefaultLanguage(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		want := func(language string) {
			t.Helper()
			got := servertest.OK(c.Admin.GetDefaultLanguage(t.Context(), &adminv1.GetDefaultLanguageRequest{}))(t)
			s.Equal(t, got, &adminv1.GetDefaultLanguageResponse{Language: language})
		}
		set := func(language string) (*adminv1.SetDefaultLanguageResponse, error) {
			return c.Admin.SetDefaultLanguage(t.Context(), &adminv1.SetDefaultLanguageRequest{Language: language})
		}
		want("en")
		s.Equal(t, servertest.OK(set("de-CH"))(t), &adminv1.SetDefaultLanguageResponse{Details: details(8, i.ID)})
		want("de-CH")
		for _, test := range []struct {
			language string
			code     connect.Code
			id       string
		}{
			{"de-CH", connect.CodeFailedPrecondition, "object.unchanged"},
			{"tlh", connect.CodeInvalidArgument, "language.unsupported"},
			{"german", connect.CodeInvalidArgument, "language.invalid"},
			{"de_CH", connect.CodeInvalidArgument, "language.invalid"},
			{"de-", connect.CodeInvalidArgument, "language.invalid"},
			{"de-CH-12345", connect.CodeInvalidArgument, "request.invalid"}, // too long
		} {
			_, err := set(test.language)
			servertest.Refused(t, err, test.code, test.id)
		}
		servertest.OK(c.Admin.SetRestrictions(t.Context(), &adminv1.SetRestrictionsRequest{AllowedLanguages: &adminv1.SelectLanguages{List: []string{"de", "it"}}}))(t)
		_, err := set("en")
		servertest.Refused(t, err, connect.CodeInvalidArgument, "language.not_allowed")
		servertest.OK(set("it"))(t)
		want("it")
	})
}
