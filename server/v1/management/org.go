package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/membership"
	directory "github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Organizations are the calls about the chosen organization.
type Organizations struct {
	store         *store.Store
	organizations *directory.Organizations
}

// AddOrg adds an organization to the instance. A user who calls becomes its
// owner.
func (s Organizations) AddOrg(ctx context.Context, req *managementv1.AddOrgRequest) (*managementv1.AddOrgResponse, error) {
	var id string
	var change store.Change
	err := s.organizations.Add(ctx, "", req.GetName(), func(ctx context.Context, tx *store.Tx, row *ent.Organization, made store.Change) error {
		id, change = row.OrganizationID, made
		who := caller.From(ctx)
		if who.Kind != caller.User {
			return nil
		}
		u, err := user.Get(ctx, tx.User, who.ID)
		if err == nil {
			change, err = membership.Add(ctx, tx, membership.OnOrganization(row), u, []string{"ORG_OWNER"})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddOrgResponse{Id: id, Details: message.Created(change)}, nil
}

// GetMyOrg returns the chosen organization.
func (s Organizations) GetMyOrg(ctx context.Context, _ *managementv1.GetMyOrgRequest) (*managementv1.GetMyOrgResponse, error) {
	row, err := directory.WithPrimaryDomain(ctx, s.store, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	return &managementv1.GetMyOrgResponse{Org: message.Organization(row)}, nil
}

// GetOrgByDomainGlobal returns the organization of the instance that has proved
// a domain.
func (s Organizations) GetOrgByDomainGlobal(ctx context.Context, req *managementv1.GetOrgByDomainGlobalRequest) (*managementv1.GetOrgByDomainGlobalResponse, error) {
	name, err := domain.Normalize("domain", req.GetDomain())
	if err != nil { // nobody has it
		return nil, fault.OrganizationUnknown.With().Because(err)
	}
	row, err := directory.OfDomain(ctx, s.store, name)
	if err != nil {
		return nil, err
	}
	return &managementv1.GetOrgByDomainGlobalResponse{Org: message.Organization(row)}, nil
}

// UpdateOrg renames the chosen organization.
func (s Organizations) UpdateOrg(ctx context.Context, req *managementv1.UpdateOrgRequest) (*managementv1.UpdateOrgResponse, error) {
	row, change, err := s.organizations.Rename(ctx, caller.OrganizationID(ctx), req.GetName())
	if err != nil {
		return nil, err
	}
	return &managementv1.UpdateOrgResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// DeactivateOrg ends all tokens of the users of the chosen organization.
func (s Organizations) DeactivateOrg(ctx context.Context, _ *managementv1.DeactivateOrgRequest) (*managementv1.DeactivateOrgResponse, error) {
	row, change, err := s.organizations.Deactivate(ctx, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	return &managementv1.DeactivateOrgResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// ReactivateOrg lets the users of the chosen organization in again.
func (s Organizations) ReactivateOrg(ctx context.Context, _ *managementv1.ReactivateOrgRequest) (*managementv1.ReactivateOrgResponse, error) {
	row, change, err := s.organizations.Reactivate(ctx, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	return &managementv1.ReactivateOrgResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// RemoveOrg removes the chosen organization with everything in it.
func (s Organizations) RemoveOrg(ctx context.Context, _ *managementv1.RemoveOrgRequest) (*managementv1.RemoveOrgResponse, error) {
	row, change, err := s.organizations.Remove(ctx, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	return &managementv1.RemoveOrgResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}
