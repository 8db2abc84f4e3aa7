package message

import (
	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
)

var orgStates = map[organization.State]orgv1.OrgState{
	organization.StateActive:   orgv1.OrgState_ORG_STATE_ACTIVE,
	organization.StateInactive: orgv1.OrgState_ORG_STATE_INACTIVE,
	organization.StateRemoved:  orgv1.OrgState_ORG_STATE_REMOVED,
}

// Organization maps an organization whose primary domain is loaded.
func Organization(row *ent.Organization) *orgv1.Org {
	org := &orgv1.Org{
		Id:      row.OrganizationID,
		Details: Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.OrganizationID),
		State:   orgStates[row.State],
		Name:    row.Name,
	}
	for _, d := range row.Edges.Domains {
		org.PrimaryDomain = d.Domain
	}
	return org
}

// OrganizationState returns the state of rows that a query asks for; one that no
// row has for a state that is none.
func OrganizationState(asked orgv1.OrgState) organization.State {
	for state, name := range orgStates {
		if name == asked {
			return state
		}
	}
	return ""
}
