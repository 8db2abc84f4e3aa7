package org

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bastide-id/bastide/ent"
	objectv2 "github.com/bastide-id/bastide/gen/zitadel/object/v2"
	orgv2 "github.com/bastide-id/bastide/gen/zitadel/org/v2"
	userv2 "github.com/bastide-id/bastide/gen/zitadel/user/v2"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Organizations are the calls about organizations.
type Organizations struct {
	users         *user.Users
	organizations *organization.Organizations
}

// AddOrganization adds an organization with those who look after it. Nobody
// does if none are named.
func (s Organizations) AddOrganization(ctx context.Context, req *orgv2.AddOrganizationRequest) (*orgv2.AddOrganizationResponse, error) {
	id := req.GetOrganizationId()
	//lint:ignore SA1019 older clients send the id by this name
	if former := req.OrgId; former != nil {
		if req.OrganizationId != nil && *former != id {
			return nil, fault.OrganizationIDsTwo.Field("org_id")
		}
		id = *former
	}
	admins, created, err := s.admins(ctx, id, req.GetAdmins())
	if err != nil {
		return nil, err
	}
	answer := &orgv2.AddOrganizationResponse{CreatedAdmins: created}
	err = s.organizations.Add(ctx, id, req.GetName(), func(ctx context.Context, tx *store.Tx, row *ent.Organization, change store.Change) error {
		for i, admin := range admins {
			var err error
			if _, change, err = admin.Join(ctx, tx, row); err != nil {
				return fault.Under(adminPath(i), err)
			}
		}
		answer.OrganizationId, answer.Details = row.OrganizationID, details(change, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// admins prepares those who look after a new organization, and what is to be
// answered of those who are made.
func (s Organizations) admins(ctx context.Context, organizationID string, requested []*orgv2.AddOrganizationRequest_Admin) (admins []organization.Admin, created []*orgv2.AddOrganizationResponse_CreatedAdmin, err error) {
	for i, r := range requested {
		admin := organization.Admin{UserID: r.GetUserId(), Roles: r.GetRoles()}
		if human := r.GetHuman(); human != nil {
			made := &orgv2.AddOrganizationResponse_CreatedAdmin{}
			if err := s.newHuman(ctx, organizationID, human, &admin, made); err != nil {
				return nil, nil, fault.Under(adminPath(i), err)
			}
			created = append(created, made)
		}
		admins = append(admins, admin)
	}
	return admins, created, nil
}

func adminPath(i int) string { return fmt.Sprintf("admins[%d]", i) }

// newHuman prepares a person, with the codes that are answered instead of being
// sent. It returns fault.ProviderMissing where one would have to be sent.
func (s Organizations) newHuman(ctx context.Context, organizationID string, h *userv2.AddHumanUserRequest, admin *organization.Admin, answer *orgv2.AddOrganizationResponse_CreatedAdmin) error {
	if o := h.GetOrganization(); o.GetOrg() != nil && (o.GetOrgId() == "" || o.GetOrgId() != organizationID) {
		return fault.OrganizationOther.Field("human.organization")
	}
	admin.Codes = make(map[user.CodeKind][]byte)
	code := func(kind user.CodeKind, into **string) {
		text, hash := user.NewCode()
		admin.Codes[kind], *into = hash, &text
	}
	email, phone := h.GetEmail(), h.GetPhone()
	switch {
	case email.GetReturnCode() != nil:
		code(user.EmailCode, &answer.EmailCode)
	case !email.GetIsVerified():
		return fault.ProviderMissing.With("set human.email.is_verified or human.email.return_code of the admin")
	}
	switch {
	case phone.GetPhone() == "":
	case phone.GetReturnCode() != nil:
		code(user.PhoneCode, &answer.PhoneCode)
	case !phone.GetIsVerified():
		return fault.ProviderMissing.With("set human.phone.is_verified or human.phone.return_code of the admin")
	}
	for _, entry := range h.GetMetadata() {
		admin.Metadata = append(admin.Metadata, metadata.Value{Key: entry.GetKey(), Value: entry.GetValue()})
	}
	if err := metadata.CheckUnique(admin.Metadata); err != nil {
		return fault.Under("human", err)
	}
	prepared, err := s.users.Prepare(ctx, newUser(h), "", user.Paths{
		PreferredLanguage: "human.profile.preferred_language",
		Password:          "human.password.password", PasswordHash: "human.hashed_password.hash",
	})
	admin.New, answer.UserId = &prepared, prepared.ID
	return err
}

// newUser maps a person. The user name is the e-mail address by default.
func newUser(h *userv2.AddHumanUserRequest) user.New {
	userName := h.GetUsername()
	if userName == "" {
		userName = h.GetEmail().GetEmail()
	}
	human := &user.Human{
		FirstName:              h.GetProfile().GetGivenName(),
		LastName:               h.GetProfile().GetFamilyName(),
		NickName:               h.GetProfile().GetNickName(),
		DisplayName:            h.GetProfile().GetDisplayName(),
		PreferredLanguage:      h.GetProfile().GetPreferredLanguage(),
		Gender:                 int32(h.GetProfile().GetGender()),
		Email:                  h.GetEmail().GetEmail(),
		EmailVerified:          h.GetEmail().GetIsVerified(),
		Phone:                  h.GetPhone().GetPhone(),
		PhoneVerified:          h.GetPhone().GetIsVerified(),
		Password:               h.GetPassword().GetPassword(),
		PasswordChangeRequired: h.GetPassword().GetChangeRequired() || h.GetHashedPassword().GetChangeRequired(),
	}
	if hashed := h.GetHashedPassword(); hashed != nil {
		human.PasswordHash = &hashed.Hash
	}
	return user.New{ID: h.GetUserId(), UserName: userName, Human: human}
}

// details are those of a new organization.
func details(change store.Change, row *ent.Organization) *objectv2.Details {
	return &objectv2.Details{
		Sequence:      uint64(change.Sequence),
		CreationDate:  timestamppb.New(row.CreatedAt),
		ChangeDate:    timestamppb.New(change.At),
		ResourceOwner: row.OrganizationID,
	}
}
