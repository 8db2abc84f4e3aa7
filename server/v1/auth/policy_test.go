package auth_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	policyv1 "github.com/bastide-id/bastide/gen/zitadel/policy/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// A user is told of the policy of its own organization, whichever is chosen.
func TestGetMyPasswordComplexityPolicy(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.NewOrganization(t, "second")
		servertest.OK(i.Owner.In(second).Management.AddCustomPasswordComplexityPolicy(t.Context(), &managementv1.AddCustomPasswordComplexityPolicyRequest{MinLength: 20}))(t)
		there := servertest.OK(i.Owner.In(second).Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "there", Name: "There"}))(t).GetUserId()
		i.Owner.In(second).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.GetMyPasswordComplexityPolicy(t.Context(), &authv1.GetMyPasswordComplexityPolicyRequest{}))(t)
			s.Equal(t, got, &authv1.GetMyPasswordComplexityPolicyResponse{Policy: &policyv1.PasswordComplexityPolicy{
				Details:   &zitadelv1.ObjectDetails{Sequence: 7, ResourceOwner: i.ID},
				MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true, IsDefault: true,
			}})
		})
		i.As(t, there).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.GetMyPasswordComplexityPolicy(t.Context(), &authv1.GetMyPasswordComplexityPolicyRequest{}))(t)
			s.Equal(t, got, &authv1.GetMyPasswordComplexityPolicyResponse{Policy: &policyv1.PasswordComplexityPolicy{
				Details: &zitadelv1.ObjectDetails{Sequence: 5, ResourceOwner: second}, MinLength: 20,
			}})
		})
		s.AsSystem(t).On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.GetMyPasswordComplexityPolicy(t.Context(), &authv1.GetMyPasswordComplexityPolicyRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
		})
	})
}

func TestGetSupportedLanguages(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.NewToken(t, i.NewMachine(t, "nobody")).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.GetSupportedLanguages(t.Context(), &authv1.GetSupportedLanguagesRequest{}))(t)
			if languages := got.GetLanguages(); len(languages) != 21 || !slices.IsSorted(languages) || !slices.Contains(languages, "en") {
				t.Errorf("the languages are %q", languages)
			}
		})
		s.As("").On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.GetSupportedLanguages(t.Context(), &authv1.GetSupportedLanguagesRequest{})
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		})
	})
}
