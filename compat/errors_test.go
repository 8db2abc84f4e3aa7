package compat

import (
	"testing"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/message"
	orgv2 "github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/org/v2"
	userv2 "github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refusal is a call and the code that it has to fail with.
type refusal struct {
	call func() error
	want codes.Code
}

// Clients branch on the code alone.
func TestGoErrorCodes(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	id := newOrganization(t, c, "Compat errors")
	here, m := in(ctx, id), c.ManagementService()
	robot := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-errors", Name: "Errors"}))(t).GetUserId()
	nobody := connect(t, "localhost", client.PAT(ok(m.AddPersonalAccessToken(here, &management.AddPersonalAccessTokenRequest{UserId: robot}))(t).GetToken()))
	for name, test := range map[string]refusal{
		"an organization that nobody has": {func() error { _, err := m.GetMyOrg(in(ctx, "123456789012345678"), nil); return err }, codes.PermissionDenied},
		"a caller without a role": {func() error {
			_, err := nobody.AdminService().GetOrgByID(ctx, &admin.GetOrgByIDRequest{Id: id})
			return err
		}, codes.PermissionDenied},
		"no token": {func() error {
			_, err := connect(t, "localhost", client.PAT("garbage")).AuthService().GetMyUser(ctx, nil)
			return err
		}, codes.Unauthenticated},
		// What newer clients ask first, to fall back to the older API.
		"a newer call": {func() error {
			_, err := c.OrganizationServiceV2().ListOrganizations(ctx, &orgv2.ListOrganizationsRequest{})
			return err
		}, codes.Unimplemented},
		"a newer service": {func() error {
			_, err := c.UserServiceV2().GetUserByID(ctx, &userv2.GetUserByIDRequest{UserId: robot})
			return err
		}, codes.Unimplemented},
	} {
		t.Run(name, func(t *testing.T) { refused(t, test.call(), test.want) })
	}
}

// What the calls themselves refuse.
func TestGoRefusals(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here, m := in(ctx, newOrganization(t, c, "Compat refusals")), c.ManagementService()
	robot := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-refusals", Name: "Refusals"}))(t).GetUserId()
	for name, test := range map[string]refusal{
		"an empty name": {func() error { _, err := m.AddOrg(ctx, &management.AddOrgRequest{}); return err }, codes.InvalidArgument},
		"an unknown user": {func() error {
			_, err := m.GetUserByID(here, &management.GetUserByIDRequest{Id: "123456789012345678"})
			return err
		}, codes.NotFound},
		"a user of another organization": {func() error {
			_, err := m.GetUserByID(ctx, &management.GetUserByIDRequest{Id: robot})
			return err
		}, codes.NotFound},
		"a name that is taken": {func() error {
			_, err := m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-refusals", Name: "x"})
			return err
		}, codes.AlreadyExists},
		"nothing to change": {func() error {
			_, err := m.UpdateOrg(here, &management.UpdateOrgRequest{Name: "Compat refusals"})
			return err
		}, codes.FailedPrecondition},
		"a state it is in": {func() error {
			_, err := m.ReactivateUser(here, &management.ReactivateUserRequest{Id: robot})
			return err
		}, codes.FailedPrecondition},
		"a mail without a provider": {func() error {
			_, err := m.AddHumanUser(here, &management.AddHumanUserRequest{
				UserName: "compat-mail", Profile: &management.AddHumanUserRequest_Profile{FirstName: "Ada", LastName: "Lovelace"},
				Email: &management.AddHumanUserRequest_Email{Email: "ada@example.com"},
			})
			return err
		}, codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) { refused(t, test.call(), test.want) })
	}
}

// An error carries its stable id, in the message that the client knows.
func TestGoErrorDetails(t *testing.T) {
	c := asOwner(t)
	_, err := c.AdminService().GetOrgByID(t.Context(), &admin.GetOrgByIDRequest{Id: "123456789012345678"})
	for _, detail := range status.Convert(err).Details() {
		if got, is := detail.(*message.ErrorDetail); is && got.GetId() == "organization.unknown" && got.GetMessage() != "" {
			return
		}
	}
	t.Errorf("%v has no details of its id", err)
}
