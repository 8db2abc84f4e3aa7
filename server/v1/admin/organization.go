package admin

import (
	"context"
	"errors"

	"github.com/bastide-id/bastide/ent"
	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Organizations are the calls about the organizations of the instance.
type Organizations struct {
	store         *store.Store
	users         *user.Users
	organizations *organization.Organizations
}

// SetUpOrg adds an organization with a person who looks after it.
func (s Organizations) SetUpOrg(ctx context.Context, req *adminv1.SetUpOrgRequest) (*adminv1.SetUpOrgResponse, error) {
	var domainName string
	var err error
	if req.GetOrg().GetDomain() != "" {
		if domainName, err = domain.Normalize("org.domain", req.GetOrg().GetDomain()); err != nil {
			return nil, err
		}
	}
	human, err := s.newHuman(ctx, req.GetHuman())
	if err != nil {
		return nil, err
	}
	answer := &adminv1.SetUpOrgResponse{}
	err = s.organizations.Add(ctx, "", req.GetOrg().GetName(), func(ctx context.Context, tx *store.Tx, row *ent.Organization, _ store.Change) error {
		if domainName != "" {
			// The one that it is made with it has already.
			if _, err := domain.Claim(ctx, tx, row, domainName); err != nil && !errors.Is(err, fault.OrganizationDomainExists.With(domainName)) {
				return err
			}
		}
		u, change, err := organization.Admin{New: &human, Roles: req.GetRoles()}.Join(ctx, tx, row)
		if err != nil {
			return err
		}
		answer.OrgId, answer.UserId, answer.Details = row.OrganizationID, u.UserID, message.Created(change)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// GetOrgByID returns an organization.
func (s Organizations) GetOrgByID(ctx context.Context, req *adminv1.GetOrgByIDRequest) (*adminv1.GetOrgByIDResponse, error) {
	row, err := organization.WithPrimaryDomain(ctx, s.store, req.GetId())
	if err != nil {
		return nil, err
	}
	return &adminv1.GetOrgByIDResponse{Org: message.Organization(row)}, nil
}

// GetDefaultOrg returns the default organization; there always is one.
func (s Organizations) GetDefaultOrg(ctx context.Context, _ *adminv1.GetDefaultOrgRequest) (*adminv1.GetDefaultOrgResponse, error) {
	row, err := organization.Default(ctx, s.store)
	if err != nil {
		return nil, err
	}
	return &adminv1.GetDefaultOrgResponse{Org: message.Organization(row)}, nil
}

// IsOrgUnique tells whether an organization of the name, or with the domain,
// could be added.
func (s Organizations) IsOrgUnique(ctx context.Context, req *adminv1.IsOrgUniqueRequest) (*adminv1.IsOrgUniqueResponse, error) {
	var name string
	if req.GetDomain() != "" {
		var err error
		if name, err = domain.Normalize("domain", req.GetDomain()); err != nil {
			return nil, err
		}
	}
	free, err := organization.IsFree(ctx, s.store, req.GetName(), name)
	return &adminv1.IsOrgUniqueResponse{IsUnique: free}, err
}

// ListOrgs returns the organizations that match all queries.
func (s Organizations) ListOrgs(ctx context.Context, req *adminv1.ListOrgsRequest) (*adminv1.ListOrgsResponse, error) {
	details, organizations, err := message.Organizations(ctx, s.store, req)
	return &adminv1.ListOrgsResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: organizations}, err
}

// SetDefaultOrg makes an organization the default one.
func (s Organizations) SetDefaultOrg(ctx context.Context, req *adminv1.SetDefaultOrgRequest) (*adminv1.SetDefaultOrgResponse, error) {
	var row *ent.Instance
	var change store.Change
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		row, change, err = instance.SetDefaultOrganization(ctx, tx, req.GetOrgId())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.SetDefaultOrgResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// RemoveOrg removes an organization with everything in it.
func (s Organizations) RemoveOrg(ctx context.Context, req *adminv1.RemoveOrgRequest) (*adminv1.RemoveOrgResponse, error) {
	row, change, err := s.organizations.Remove(ctx, req.GetOrgId())
	if err != nil {
		return nil, err
	}
	return &adminv1.RemoveOrgResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// newHuman prepares the person who looks after a new organization. It returns
// fault.ProviderMissing where a code would have to be sent.
func (s Organizations) newHuman(ctx context.Context, h *adminv1.SetUpOrgRequest_Human) (user.Prepared, error) {
	if !h.GetEmail().GetIsEmailVerified() {
		return user.Prepared{}, fault.ProviderMissing.With("set human.email.is_email_verified")
	}
	if h.GetPhone() != nil && !h.GetPhone().GetIsPhoneVerified() {
		return user.Prepared{}, fault.ProviderMissing.With("set human.phone.is_phone_verified")
	}
	return s.users.Prepare(ctx, user.New{UserName: h.GetUserName(), Human: &user.Human{
		FirstName:         h.GetProfile().GetFirstName(),
		LastName:          h.GetProfile().GetLastName(),
		NickName:          h.GetProfile().GetNickName(),
		DisplayName:       h.GetProfile().GetDisplayName(),
		PreferredLanguage: h.GetProfile().GetPreferredLanguage(),
		Gender:            int32(h.GetProfile().GetGender()),
		Email:             h.GetEmail().GetEmail(),
		EmailVerified:     true,
		Phone:             h.GetPhone().GetPhone(),
		PhoneVerified:     true,
		Password:          h.GetPassword(),
	}}, "", user.Paths{PreferredLanguage: "human.profile.preferred_language", Password: "human.password"})
}
