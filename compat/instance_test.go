package compat

import (
	"slices"
	"testing"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	zitadelsystem "github.com/zitadel/zitadel-go/v3/pkg/client/system"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/instance"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/system"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	"google.golang.org/grpc/codes"
)

// asSystem returns a client of the System API, by the key of the first run.
func asSystem(t *testing.T) *zitadelsystem.Client {
	t.Helper()
	return ok(zitadelsystem.NewClient(t.Context(), running.url.String(), running.url.Host,
		zitadelsystem.JWTProfileFromKey([]byte(running.file(t, "system.key.pem")), "system"), zitadelsystem.WithInsecure()))(t)
}

// newTenant returns an instance of which a person is the owner, and its host.
func newTenant(t *testing.T, host string) string {
	t.Helper()
	return ok(asSystem(t).CreateInstance(t.Context(), &system.CreateInstanceRequest{
		InstanceName: "Compat tenant", CustomDomain: host,
		Owner: &system.CreateInstanceRequest_Human_{Human: &system.CreateInstanceRequest_Human{
			Email:    &system.CreateInstanceRequest_Email{Email: "ada@example.com", IsEmailVerified: true},
			Profile:  &system.CreateInstanceRequest_Profile{FirstName: "Ada", LastName: "Lovelace", PreferredLanguage: "en"},
			Password: &system.CreateInstanceRequest_Password{Password: "Password1!"},
		}},
	}))(t).GetInstanceId()
}

func TestGoInstances(t *testing.T) {
	ctx, s := t.Context(), asSystem(t)
	id := newTenant(t, "tenant.localhost")
	_, err := s.CreateInstance(ctx, &system.CreateInstanceRequest{InstanceName: "x", CustomDomain: "tenant.localhost", Owner: &system.CreateInstanceRequest_Machine_{
		Machine: &system.CreateInstanceRequest_Machine{UserName: "x", Name: "x"},
	}})
	refused(t, err, codes.AlreadyExists)
	ok(s.UpdateInstance(ctx, &system.UpdateInstanceRequest{InstanceId: id, InstanceName: "Compat tenant 2"}))(t)
	_, err = s.UpdateInstance(ctx, &system.UpdateInstanceRequest{InstanceId: id, InstanceName: "Compat tenant 2"})
	refused(t, err, codes.FailedPrecondition)
	if got := ok(s.GetInstance(ctx, &system.GetInstanceRequest{InstanceId: id}))(t).GetInstance(); got.GetName() != "Compat tenant 2" || got.GetState() != instance.State_STATE_RUNNING {
		t.Errorf("got %v", got)
	}
	listed := ok(s.ListInstances(ctx, &system.ListInstancesRequest{Queries: []*instance.Query{{Query: &instance.Query_DomainQuery{
		DomainQuery: &instance.DomainsQuery{Domains: []string{"tenant.localhost"}},
	}}}}))(t).GetResult()
	if len(listed) != 1 || listed[0].GetId() != id {
		t.Errorf("listed %v", listed)
	}
	if got := ok(s.ListIAMMembers(ctx, &system.ListIAMMembersRequest{InstanceId: id}))(t).GetResult(); len(got) != 1 || got[0].GetEmail() != "ada@example.com" || !slices.Equal(got[0].GetRoles(), []string{"IAM_OWNER"}) {
		t.Errorf("members: %v", got)
	}

	ok(s.AddDomain(ctx, &system.AddDomainRequest{InstanceId: id, Domain: "second.localhost"}))(t)
	ok(s.SetPrimaryDomain(ctx, &system.SetPrimaryDomainRequest{InstanceId: id, Domain: "second.localhost"}))(t)
	_, err = s.RemoveDomain(ctx, &system.RemoveDomainRequest{InstanceId: id, Domain: "second.localhost"})
	refused(t, err, codes.FailedPrecondition) // it is the primary one
	ok(s.SetPrimaryDomain(ctx, &system.SetPrimaryDomainRequest{InstanceId: id, Domain: "tenant.localhost"}))(t)
	if got := ok(s.ListDomains(ctx, &system.ListDomainsRequest{InstanceId: id}))(t).GetDetails().GetTotalResult(); got != 3 {
		t.Errorf("%d domains", got)
	}
	ok(s.RemoveDomain(ctx, &system.RemoveDomainRequest{InstanceId: id, Domain: "second.localhost"}))(t)
	ok(s.RemoveInstance(ctx, &system.RemoveInstanceRequest{InstanceId: id}))(t)
	_, err = s.GetInstance(ctx, &system.GetInstanceRequest{InstanceId: id})
	refused(t, err, codes.NotFound)
}

// What an administrator sets of an instance.
func TestGoInstanceSettings(t *testing.T) {
	ctx, a := t.Context(), asOwner(t).AdminService()
	ok(a.AddInstanceTrustedDomain(ctx, &admin.AddInstanceTrustedDomainRequest{Domain: "trusted.example.com"}))(t)
	_, err := a.AddInstanceTrustedDomain(ctx, &admin.AddInstanceTrustedDomainRequest{Domain: "trusted.example.com"})
	refused(t, err, codes.AlreadyExists)
	if got := ok(a.ListInstanceTrustedDomains(ctx, &admin.ListInstanceTrustedDomainsRequest{}))(t).GetResult(); len(got) != 1 || got[0].GetDomain() != "trusted.example.com" {
		t.Errorf("trusted domains: %v", got)
	}
	ok(a.RemoveInstanceTrustedDomain(ctx, &admin.RemoveInstanceTrustedDomainRequest{Domain: "trusted.example.com"}))(t)

	before := ok(a.GetDefaultLanguage(ctx, nil))(t).GetLanguage()
	ok(a.SetDefaultLanguage(ctx, &admin.SetDefaultLanguageRequest{Language: "de"}))(t)
	_, err = a.SetDefaultLanguage(ctx, &admin.SetDefaultLanguageRequest{Language: "de"})
	refused(t, err, codes.FailedPrecondition)
	ok(a.SetRestrictions(ctx, &admin.SetRestrictionsRequest{AllowedLanguages: &admin.SelectLanguages{List: []string{"de", "en"}}}))(t)
	if got := ok(a.GetAllowedLanguages(ctx, nil))(t).GetLanguages(); !slices.Contains(got, "de") || len(got) != 2 {
		t.Errorf("allowed languages: %v", got)
	}
	ok(a.SetRestrictions(ctx, &admin.SetRestrictionsRequest{AllowedLanguages: &admin.SelectLanguages{}}))(t)
	ok(a.SetDefaultLanguage(ctx, &admin.SetDefaultLanguageRequest{Language: before}))(t)
	if got := ok(a.GetSupportedLanguages(ctx, nil))(t).GetLanguages(); !slices.Contains(got, "en") {
		t.Errorf("languages: %v", got)
	}
	if got := ok(a.ListInstanceDomains(ctx, &admin.ListInstanceDomainsRequest{}))(t).GetResult(); len(got) == 0 {
		t.Error("the instance has no domains")
	}
}

// An organization with an owner of its own comes to be in one call.
func TestGoSetUpOrganization(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	a := c.AdminService()
	if !ok(a.IsOrgUnique(ctx, &admin.IsOrgUniqueRequest{Name: "Compat set up", Domain: "set-up.example.com"}))(t).GetIsUnique() {
		t.Error("the name is taken")
	}
	made := ok(a.SetUpOrg(ctx, &admin.SetUpOrgRequest{
		Org: &admin.SetUpOrgRequest_Org{Name: "Compat set up", Domain: "set-up.example.com"},
		User: &admin.SetUpOrgRequest_Human_{Human: &admin.SetUpOrgRequest_Human{
			UserName: "compat-set-up",
			Profile:  &admin.SetUpOrgRequest_Human_Profile{FirstName: "Grace", LastName: "Hopper", PreferredLanguage: "en", Gender: user.Gender_GENDER_FEMALE},
			Email:    &admin.SetUpOrgRequest_Human_Email{Email: "grace@example.com", IsEmailVerified: true},
			Password: "Password1!",
		}},
		Roles: []string{"ORG_OWNER"},
	}))(t)
	if ok(a.IsOrgUnique(ctx, &admin.IsOrgUniqueRequest{Name: "Compat set up"}))(t).GetIsUnique() {
		t.Error("the name is still free")
	}
	members := ok(c.ManagementService().ListOrgMembers(in(ctx, made.GetOrgId()), &management.ListOrgMembersRequest{}))(t).GetResult()
	if len(members) != 1 || members[0].GetUserId() != made.GetUserId() || members[0].GetDisplayName() != "Grace Hopper" {
		t.Errorf("members: %v", members)
	}
	ok(a.RemoveOrg(ctx, &admin.RemoveOrgRequest{OrgId: made.GetOrgId()}))(t)
}

// What a user may do for itself, which here is a machine.
func TestGoSelf(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here, m := in(ctx, newOrganization(t, c, "Compat self")), c.ManagementService()
	id := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-self", Name: "Self"}))(t).GetUserId()
	ok(m.SetUserMetadata(here, &management.SetUserMetadataRequest{Id: id, Key: "k", Value: []byte("v")}))(t)
	key := ok(m.AddMachineKey(here, &management.AddMachineKeyRequest{UserId: id, Type: authn.KeyType_KEY_TYPE_JSON}))(t)
	file := ok(client.ConfigFromKeyFileData(key.GetKeyDetails()))(t)
	robot := connect(t, "localhost", client.AuthenticationJWTProfile(file, "openid", client.ScopeZitadelAPI()))
	self := robot.AuthService()
	if got := ok(self.GetMyUser(ctx, nil))(t).GetUser(); got.GetId() != id {
		t.Errorf("got %v", got)
	}
	if got := ok(self.ListMyMetadata(ctx, nil))(t).GetResult(); len(got) != 1 {
		t.Errorf("metadata: %v", got)
	}
	ok(m.AddOrgMember(here, &management.AddOrgMemberRequest{UserId: id, Roles: []string{"ORG_USER_MANAGER"}}))(t)
	if got := ok(self.ListMyZitadelPermissions(ctx, nil))(t).GetResult(); !slices.Contains(got, "user.write") || slices.Contains(got, "iam.write") {
		t.Errorf("permissions: %v", got)
	}
	if got := ok(self.ListMyMemberships(ctx, nil))(t).GetResult(); len(got) != 1 {
		t.Errorf("memberships: %v", got)
	}
	// Its own organization is the one it acts in without naming one.
	ok(robot.ManagementService().GetUserByID(ctx, &management.GetUserByIDRequest{Id: id}))(t)
	_, err := self.GetMyProfile(ctx, nil)
	refused(t, err, codes.FailedPrecondition) // a machine has none
	// Without the scope of the API the same key gives a token that is not for it.
	narrow := connect(t, "localhost", client.AuthenticationJWTProfile(file, "openid"))
	_, err = narrow.AuthService().GetMyUser(ctx, nil)
	refused(t, err, codes.Unauthenticated)
	ok(m.DeactivateUser(here, &management.DeactivateUserRequest{Id: id}))(t)
	_, err = self.GetMyUser(ctx, nil)
	refused(t, err, codes.Unauthenticated)
}
