package auth_test

import (
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	metadatav1 "github.com/bastide-id/bastide/gen/zitadel/metadata/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestMyMetadata(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		ada, bob := i.NewHuman(t, "ada"), i.NewHuman(t, "bob")
		for _, set := range [][3]string{{ada, "Plan", "gold"}, {ada, "team/a", "blue"}, {bob, "plan", "silver"}} {
			servertest.OK(i.Owner.Management.SetUserMetadata(t.Context(), &managementv1.SetUserMetadataRequest{Id: set[0], Key: set[1], Value: []byte(set[2])}))(t)
		}
		details := func(sequence uint64) *zitadelv1.ObjectDetails {
			return &zitadelv1.ObjectDetails{Sequence: sequence, ResourceOwner: i.OrganizationID}
		}
		plan := &metadatav1.Metadata{Details: details(3), Key: "Plan", Value: []byte("gold")}
		team := &metadatav1.Metadata{Details: details(4), Key: "team/a", Value: []byte("blue")}
		i.As(t, ada).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.GetMyMetadata(t.Context(), &authv1.GetMyMetadataRequest{Key: "team/a"}))(t)
			s.Equal(t, got, &authv1.GetMyMetadataResponse{Metadata: team})
			_, err := c.Auth.GetMyMetadata(t.Context(), &authv1.GetMyMetadataRequest{Key: "plan"})
			servertest.Refused(t, err, connect.CodeNotFound, "metadata.unknown")

			all := servertest.OK(c.Auth.ListMyMetadata(t.Context(), &authv1.ListMyMetadataRequest{}))(t)
			s.Equal(t, all, &authv1.ListMyMetadataResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: []*metadatav1.Metadata{team, plan},
			})
			found := servertest.OK(c.Auth.ListMyMetadata(t.Context(), &authv1.ListMyMetadataRequest{
				Queries: []*metadatav1.MetadataQuery{{Query: &metadatav1.MetadataQuery_KeyQuery{KeyQuery: &metadatav1.MetadataKeyQuery{
					Key: "PLAN", Method: zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE,
				}}}},
			}))(t)
			s.Equal(t, found, &authv1.ListMyMetadataResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1}, Result: []*metadatav1.Metadata{plan},
			})
		})
		s.AsSystem(t).On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.GetMyMetadata(t.Context(), &authv1.GetMyMetadataRequest{Key: "plan"})
			servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
			_, err = c.Auth.ListMyMetadata(t.Context(), &authv1.ListMyMetadataRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
		})
	})
}
