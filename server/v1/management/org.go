package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	"github.com/bastide-id/bastide/server/caller"
	directory "github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Organizations are the calls about the chosen organization.
type Organizations struct{ store *store.Store }

// GetMyOrg returns the chosen organization.
func (s Organizations) GetMyOrg(ctx context.Context, _ *managementv1.GetMyOrgRequest) (*managementv1.GetMyOrgResponse, error) {
	row, err := directory.WithPrimaryDomain(ctx, s.store, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	return &managementv1.GetMyOrgResponse{Org: orgToProto(row)}, nil
}

var orgStates = map[organization.State]orgv1.OrgState{
	organization.StateActive:   orgv1.OrgState_ORG_STATE_ACTIVE,
	organization.StateInactive: orgv1.OrgState_ORG_STATE_INACTIVE,
}

// orgToProto maps an organization whose primary domain is loaded.
func orgToProto(row *ent.Organization) *orgv1.Org {
	org := &orgv1.Org{
		Id:      row.OrganizationID,
		Details: message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.OrganizationID),
		State:   orgStates[row.State],
		Name:    row.Name,
	}
	for _, d := range row.Edges.Domains {
		org.PrimaryDomain = d.Domain
	}
	return org
}
