package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	policyv1 "github.com/bastide-id/bastide/gen/zitadel/policy/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestDomainPolicy(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		want := func(policy *policyv1.DomainPolicy) {
			t.Helper()
			policy.IsDefault = true
			got := servertest.OK(c.Admin.GetDomainPolicy(t.Context(), &adminv1.GetDomainPolicyRequest{}))(t)
			s.Equal(t, got, &adminv1.GetDomainPolicyResponse{Policy: policy})
			// The same by its former name.
			old := servertest.OK(c.Admin.GetOrgIAMPolicy(t.Context(), &adminv1.GetOrgIAMPolicyRequest{}))(t)
			s.Equal(t, old, &adminv1.GetOrgIAMPolicyResponse{Policy: &policyv1.OrgIAMPolicy{
				Details: policy.Details, UserLoginMustBeDomain: policy.UserLoginMustBeDomain, IsDefault: true,
			}})
		}
		want(&policyv1.DomainPolicy{Details: details(7, i.ID)})
		request := &adminv1.UpdateDomainPolicyRequest{ValidateOrgDomains: true, SmtpSenderAddressMatchesInstanceDomain: true}
		got := servertest.OK(c.Admin.UpdateDomainPolicy(t.Context(), request))(t)
		s.Equal(t, got, &adminv1.UpdateDomainPolicyResponse{Details: details(8, i.ID)})
		want(&policyv1.DomainPolicy{Details: details(8, i.ID), ValidateOrgDomains: true, SmtpSenderAddressMatchesInstanceDomain: true})
		_, err := c.Admin.UpdateDomainPolicy(t.Context(), request)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		_, err = c.Admin.UpdateOrgIAMPolicy(t.Context(), &adminv1.UpdateOrgIAMPolicyRequest{})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		// The former name leaves the other values as they are.
		old := servertest.OK(c.Admin.UpdateOrgIAMPolicy(t.Context(), &adminv1.UpdateOrgIAMPolicyRequest{UserLoginMustBeDomain: true}))(t)
		s.Equal(t, old, &adminv1.UpdateOrgIAMPolicyResponse{Details: details(9, i.ID)})
		want(&policyv1.DomainPolicy{Details: details(9, i.ID), UserLoginMustBeDomain: true, ValidateOrgDomains: true, SmtpSenderAddressMatchesInstanceDomain: true})
	})
}

func TestCustomDomainPolicy(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		org := i.OrganizationID
		want := func(policy *policyv1.DomainPolicy) {
			t.Helper()
			got := servertest.OK(c.Admin.GetCustomDomainPolicy(t.Context(), &adminv1.GetCustomDomainPolicyRequest{OrgId: org}))(t)
			s.Equal(t, got, &adminv1.GetCustomDomainPolicyResponse{Policy: policy, IsDefault: policy.IsDefault})
			own := servertest.OK(c.Management.GetDomainPolicy(t.Context(), &managementv1.GetDomainPolicyRequest{}))(t)
			s.Equal(t, own, &managementv1.GetDomainPolicyResponse{Policy: policy})
		}
		want(&policyv1.DomainPolicy{Details: details(7, i.ID), IsDefault: true})
		update := &adminv1.UpdateCustomDomainPolicyRequest{OrgId: org, ValidateOrgDomains: true, SmtpSenderAddressMatchesInstanceDomain: true}
		_, err := c.Admin.UpdateCustomDomainPolicy(t.Context(), update)
		servertest.Refused(t, err, connect.CodeNotFound, "policy.missing")
		_, err = c.Admin.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: org})
		servertest.Refused(t, err, connect.CodeNotFound, "policy.missing")
		add := &adminv1.AddCustomDomainPolicyRequest{OrgId: org, UserLoginMustBeDomain: true}
		added := servertest.OK(c.Admin.AddCustomDomainPolicy(t.Context(), add))(t)
		s.Equal(t, added, &adminv1.AddCustomDomainPolicyResponse{Details: details(6, org)})
		_, err = c.Admin.AddCustomDomainPolicy(t.Context(), add)
		servertest.Refused(t, err, connect.CodeAlreadyExists, "policy.exists")
		want(&policyv1.DomainPolicy{Details: details(6, org), UserLoginMustBeDomain: true})
		updated := servertest.OK(c.Admin.UpdateCustomDomainPolicy(t.Context(), update))(t)
		s.Equal(t, updated, &adminv1.UpdateCustomDomainPolicyResponse{Details: details(7, org)})
		if !updated.GetDetails().GetCreationDate().AsTime().Equal(added.GetDetails().GetCreationDate().AsTime()) {
			t.Error("the update moved the time of creation")
		}
		_, err = c.Admin.UpdateCustomDomainPolicy(t.Context(), update)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		want(&policyv1.DomainPolicy{Details: details(7, org), ValidateOrgDomains: true, SmtpSenderAddressMatchesInstanceDomain: true})
		reset := servertest.OK(c.Admin.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: org}))(t)
		s.Equal(t, reset, &adminv1.ResetCustomDomainPolicyToDefaultResponse{Details: details(8, org)})
		want(&policyv1.DomainPolicy{Details: details(7, i.ID), IsDefault: true})
	})
}

// The former name of the domain policy, with the values it knows.
func TestCustomOrgIAMPolicy(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		org := i.OrganizationID
		servertest.OK(c.Admin.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{ValidateOrgDomains: true}))(t)
		want := func(policy *policyv1.OrgIAMPolicy) {
			t.Helper()
			got := servertest.OK(c.Admin.GetCustomOrgIAMPolicy(t.Context(), &adminv1.GetCustomOrgIAMPolicyRequest{OrgId: org}))(t)
			s.Equal(t, got, &adminv1.GetCustomOrgIAMPolicyResponse{Policy: policy, IsDefault: policy.IsDefault})
			own := servertest.OK(c.Management.GetOrgIAMPolicy(t.Context(), &managementv1.GetOrgIAMPolicyRequest{}))(t)
			s.Equal(t, own, &managementv1.GetOrgIAMPolicyResponse{Policy: policy})
		}
		want(&policyv1.OrgIAMPolicy{Details: details(8, i.ID), IsDefault: true})
		_, err := c.Admin.UpdateCustomOrgIAMPolicy(t.Context(), &adminv1.UpdateCustomOrgIAMPolicyRequest{OrgId: org})
		servertest.Refused(t, err, connect.CodeNotFound, "policy.missing")
		added := servertest.OK(c.Admin.AddCustomOrgIAMPolicy(t.Context(), &adminv1.AddCustomOrgIAMPolicyRequest{OrgId: org, UserLoginMustBeDomain: true}))(t)
		s.Equal(t, added, &adminv1.AddCustomOrgIAMPolicyResponse{Details: details(6, org)})
		want(&policyv1.OrgIAMPolicy{Details: details(6, org), UserLoginMustBeDomain: true})
		domain := servertest.OK(c.Management.GetDomainPolicy(t.Context(), nil))(t).GetPolicy()
		if !domain.GetValidateOrgDomains() {
			t.Error("the former name changed a value that it does not know")
		}
		updated := servertest.OK(c.Admin.UpdateCustomOrgIAMPolicy(t.Context(), &adminv1.UpdateCustomOrgIAMPolicyRequest{OrgId: org}))(t)
		s.Equal(t, updated, &adminv1.UpdateCustomOrgIAMPolicyResponse{Details: details(7, org)})
		reset := servertest.OK(c.Admin.ResetCustomOrgIAMPolicyToDefault(t.Context(), &adminv1.ResetCustomOrgIAMPolicyToDefaultRequest{OrgId: org}))(t)
		s.Equal(t, reset, &adminv1.ResetCustomOrgIAMPolicyToDefaultResponse{Details: details(8, org)})
		_, err = c.Admin.ResetCustomOrgIAMPolicyToDefault(t.Context(), &adminv1.ResetCustomOrgIAMPolicyToDefaultRequest{OrgId: org})
		servertest.Refused(t, err, connect.CodeNotFound, "policy.missing")
	})
}

// An organization that is unknown, or of another instance, has no policy to
// read or to change.
func TestDomainPolicyOfAnUnknownOrganization(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		for _, id := range []string{"unknown", other.OrganizationID, i.ID, strings.Repeat("1", 200)} {
			a := i.Owner.Admin
			_, get := a.GetCustomDomainPolicy(t.Context(), &adminv1.GetCustomDomainPolicyRequest{OrgId: id})
			_, old := a.GetCustomOrgIAMPolicy(t.Context(), &adminv1.GetCustomOrgIAMPolicyRequest{OrgId: id})
			_, add := a.AddCustomDomainPolicy(t.Context(), &adminv1.AddCustomDomainPolicyRequest{OrgId: id})
			_, update := a.UpdateCustomDomainPolicy(t.Context(), &adminv1.UpdateCustomDomainPolicyRequest{OrgId: id, UserLoginMustBeDomain: true})
			_, reset := a.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: id})
			for _, err := range []error{get, old, add, update, reset} {
				servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			}
		}
		for _, id := range []string{"", strings.Repeat("1", 201)} {
			_, err := i.Owner.Admin.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: id})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		}
	})
}

// named is an instance of three organizations, two of which have a user of the
// same name.
type named struct {
	*testing.T
	servertest.Tenant
	second, third string // the second organization has its own policy at first
}

func newNamed(t *testing.T, i servertest.Tenant) *named {
	t.Helper()
	n := &named{T: t, Tenant: i, second: i.NewOrganization(t, "second"), third: i.NewOrganization(t, "third")}
	servertest.OK(i.Owner.Admin.AddCustomDomainPolicy(t.Context(), &adminv1.AddCustomDomainPolicyRequest{OrgId: n.second, UserLoginMustBeDomain: true}))(t)
	for org, name := range map[string]string{i.OrganizationID: "Ann", n.second: "ann", n.third: "bob"} {
		servertest.OK(i.Owner.In(org).Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name}))(t)
	}
	return n
}

// want checks the preferred login names of all users but the owner, sorted by
// the database.
func (n *named) want(s *servertest.Server, step string, want string) {
	n.Helper()
	rows, err := s.Open(n.T).Query(`SELECT user_id FROM users WHERE instance_id = '` + n.ID + `' AND user_name <> 'owner' ORDER BY name_key, resource_owner`)
	if err != nil {
		n.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			n.Fatal(err)
		}
		me := servertest.OK(n.As(n.T, id).Auth.GetMyUser(n.Context(), &authv1.GetMyUserRequest{}))(n.T).GetUser()
		names = append(names, me.GetPreferredLoginName())
		if me.GetDetails().GetSequence() != 1 || !me.GetDetails().GetChangeDate().AsTime().Equal(me.GetDetails().GetCreationDate().AsTime()) {
			n.Errorf("%s: the user changed: %v", step, me.GetDetails())
		}
		if me.GetState() != userv1.UserState_USER_STATE_ACTIVE {
			n.Errorf("%s: the user is %s", step, me.GetState())
		}
	}
	if got := strings.Join(names, " "); got != want {
		n.Errorf("%s: the users are %q, want %q", step, got, want)
	}
}

// Login names follow the policy at once; a change that would give two users one
// name is refused as a whole.
func TestLoginNamesFollow(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		n, foreign := newNamed(t, i), newNamed(t, other)
		const begin = "Ann ann@second.%[1]s.test bob"
		everywhere := fmt.Sprintf("Ann@%[1]s.%[1]s.test ann@second.%[1]s.test bob@third.%[1]s.test", "acme")
		a := i.Owner.Admin
		clash := func(_ any, err error) {
			t.Helper()
			servertest.Refused(t, err, connect.CodeAlreadyExists, "policy.login_names_clash")
			if err != nil && !strings.Contains(err.Error(), "Ann") && !strings.Contains(err.Error(), "ann") {
				t.Errorf("%q names nobody", err)
			}
		}
		n.want(s, "at first", fmt.Sprintf(begin, "acme"))
		clash(a.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: n.second}))
		clash(a.UpdateCustomDomainPolicy(t.Context(), &adminv1.UpdateCustomDomainPolicyRequest{OrgId: n.second}))
		clash(a.UpdateCustomOrgIAMPolicy(t.Context(), &adminv1.UpdateCustomOrgIAMPolicyRequest{OrgId: n.second}))
		n.want(s, "after refusals", fmt.Sprintf(begin, "acme"))
		if p := servertest.OK(a.GetCustomDomainPolicy(t.Context(), &adminv1.GetCustomDomainPolicyRequest{OrgId: n.second}))(t); p.GetIsDefault() || !p.GetPolicy().GetUserLoginMustBeDomain() {
			t.Errorf("a refused change left the policy %v", p)
		}

		servertest.OK(a.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{UserLoginMustBeDomain: true}))(t)
		n.want(s, "instance: with domain", everywhere)
		servertest.OK(a.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: n.second}))(t)
		n.want(s, "second: default", everywhere)
		clash(a.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{}))
		clash(a.UpdateOrgIAMPolicy(t.Context(), &adminv1.UpdateOrgIAMPolicyRequest{}))
		n.want(s, "after more refusals", everywhere)
		servertest.OK(a.AddCustomDomainPolicy(t.Context(), &adminv1.AddCustomDomainPolicyRequest{OrgId: n.third}))(t)
		n.want(s, "third: without", "Ann@acme.acme.test ann@second.acme.test bob")
		servertest.OK(a.AddCustomDomainPolicy(t.Context(), &adminv1.AddCustomDomainPolicyRequest{OrgId: n.second}))(t)
		n.want(s, "second: without", "Ann@acme.acme.test ann bob")
		clash(a.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{}))
		servertest.OK(a.UpdateCustomDomainPolicy(t.Context(), &adminv1.UpdateCustomDomainPolicyRequest{OrgId: n.second, UserLoginMustBeDomain: true}))(t)
		servertest.OK(a.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{}))(t)
		n.want(s, "instance: without", fmt.Sprintf(begin, "acme"))
		foreign.want(s, "another instance", fmt.Sprintf(begin, "other"))
	})
}

// A refusal tells the first names, and not all of them.
func TestLoginNamesClashNamesTheFirst(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.NewOrganization(t, "second")
		servertest.OK(i.Owner.Admin.AddCustomDomainPolicy(t.Context(), &adminv1.AddCustomDomainPolicyRequest{OrgId: second, UserLoginMustBeDomain: true}))(t)
		for n := range 7 {
			name := fmt.Sprintf("user%d", n)
			i.NewMachine(t, name)
			servertest.OK(i.Owner.In(second).Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name}))(t)
		}
		_, err := i.Owner.Admin.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: second})
		servertest.Refused(t, err, connect.CodeAlreadyExists, "policy.login_names_clash")
		if err == nil || !strings.Contains(err.Error(), "name user0, user1, user2, user3, user4:") {
			t.Errorf("the refusal is %v", err)
		}
	})
}
