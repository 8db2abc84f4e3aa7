package management_test

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// Anybody is told where the issuer is, as it was addressed.
func TestGetOIDCInformation(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		_, port, _ := net.SplitHostPort(s.Address)
		want := "http://" + i.Domain + ":" + port
		for _, token := range []string{"", "not-a-token"} {
			s.As(token).On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				got := servertest.OK(c.Management.GetOIDCInformation(t.Context(), &managementv1.GetOIDCInformationRequest{}))(t)
				s.Equal(t, got, &managementv1.GetOIDCInformationResponse{Issuer: want, DiscoveryEndpoint: want + "/.well-known/openid-configuration"})
				answer, err := s.HTTP().Get(got.GetDiscoveryEndpoint())
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				var found struct{ Issuer string }
				if err := json.NewDecoder(answer.Body).Decode(&found); err != nil || answer.StatusCode != http.StatusOK || found.Issuer != want {
					t.Errorf("discovery answers %d with the issuer %q, %v", answer.StatusCode, found.Issuer, err)
				}
			})
		}
		// A host of nobody leads to the default instance, whose issuer is the external URL.
		got := servertest.OK(s.As("").On("unknown.test").Management.GetOIDCInformation(t.Context(), nil))(t)
		s.Equal(t, got, &managementv1.GetOIDCInformationResponse{Issuer: s.URL, DiscoveryEndpoint: s.URL + "/.well-known/openid-configuration"})
		s.Restart(t, func(c *server.Config) { c.DefaultInstance = server.NoDefaultInstance })
		s.As("").On("unknown.test").EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Management.GetOIDCInformation(t.Context(), &managementv1.GetOIDCInformationRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "request.host_unknown")
		})
	})
}

func TestGetIAM(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for _, c := range []*servertest.Caller{i.NewToken(t, i.NewMachine(t, "nobody")), s.AsSystem(t).On(i.Domain)} {
			c.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				got := servertest.OK(c.Management.GetIAM(t.Context(), &managementv1.GetIAMRequest{}))(t)
				s.Equal(t, got, &managementv1.GetIAMResponse{GlobalOrgId: i.OrganizationID, DefaultOrgId: i.OrganizationID, IamProjectId: "zitadel"})
			})
		}
		s.As("").On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Management.GetIAM(t.Context(), &managementv1.GetIAMRequest{})
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		})
	})
}

func TestGetSupportedLanguages(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.NewToken(t, i.NewMachine(t, "nobody")).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.GetSupportedLanguages(t.Context(), &managementv1.GetSupportedLanguagesRequest{}))(t)
			if languages := got.GetLanguages(); len(languages) != 21 || !slices.IsSorted(languages) || !slices.Contains(languages, "en") {
				t.Errorf("the languages are %q", languages)
			}
		})
		s.As("").On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Management.GetSupportedLanguages(t.Context(), &managementv1.GetSupportedLanguagesRequest{})
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		})
	})
}
