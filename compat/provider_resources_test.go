package compat

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/app"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/member"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/metadata"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/object"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/project"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The resources of a Terraform provider that the first plan leaves out. Each
// is made, read back as the provider reads it, changed and removed.

// isID is what a provider takes for an id when it imports.
var isID = regexp.MustCompile(`^\d{18}$`)

// A domain that is the primary one is first relieved of that by another, which
// the provider finds by the end of the server's own host name.
func TestProviderDomain(t *testing.T) {
	c := asOwner(t)
	here, m := in(t.Context(), newOrganization(t, c, "Provider domain")), c.ManagementService()
	const name = "primary.example.com"
	ok(m.AddOrgDomain(here, &management.AddOrgDomainRequest{Domain: name}))(t)
	ok(m.SetPrimaryOrgDomain(here, &management.SetPrimaryOrgDomainRequest{Domain: name}))(t)
	for _, d := range ok(m.ListOrgDomains(here, &management.ListOrgDomainsRequest{}))(t).GetResult() {
		if d.GetIsPrimary() != (d.GetDomainName() == name) || !d.GetIsVerified() {
			t.Errorf("domain: %v", d)
		}
		if d.GetIsVerified() && d.GetDomainName() != name && strings.HasSuffix(d.GetDomainName(), "localhost") {
			ok(m.SetPrimaryOrgDomain(here, &management.SetPrimaryOrgDomainRequest{Domain: d.GetDomainName()}))(t)
		}
	}
	ok(m.RemoveOrgDomain(here, &management.RemoveOrgDomainRequest{Domain: name}))(t)
}

func TestProviderProject(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Provider project")
	m := c.ManagementService()
	ok(m.AddProjectRole(here, &management.AddProjectRoleRequest{ProjectId: id, RoleKey: "super-user", DisplayName: "Super", Group: "best"}))(t)
	ok(m.UpdateProjectRole(here, &management.UpdateProjectRoleRequest{ProjectId: id, RoleKey: "super-user", DisplayName: "Super user", Group: "best"}))(t)
	roles := ok(m.ListProjectRoles(here, &management.ListProjectRolesRequest{ProjectId: id, Queries: []*project.RoleQuery{{Query: &project.RoleQuery_KeyQuery{
		KeyQuery: &project.RoleKeyQuery{Key: "super-user", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS},
	}}}}))(t).GetResult()
	if len(roles) != 1 || roles[0].GetDisplayName() != "Super user" || roles[0].GetGroup() != "best" {
		t.Errorf("roles: %v", roles)
	}
	user := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "provider-grant", Name: "Grant"}))(t).GetUserId()
	grant := ok(m.AddUserGrant(here, &management.AddUserGrantRequest{UserId: user, ProjectId: id, RoleKeys: []string{"super-user"}}))(t).GetUserGrantId()
	got := ok(m.GetUserGrantByID(here, &management.GetUserGrantByIDRequest{GrantId: grant, UserId: user}))(t).GetUserGrant()
	if got.GetUserId() != user || got.GetProjectId() != id || got.GetProjectGrantId() != "" || got.GetDetails().GetResourceOwner() == "" || !slices.Equal(got.GetRoleKeys(), []string{"super-user"}) {
		t.Errorf("grant: %v", got)
	}
	ok(m.UpdateUserGrant(here, &management.UpdateUserGrantRequest{GrantId: grant, UserId: user}))(t)
	if got := ok(m.GetUserGrantByID(here, &management.GetUserGrantByIDRequest{GrantId: grant, UserId: user}))(t).GetUserGrant(); len(got.GetRoleKeys()) != 0 {
		t.Errorf("grant: %v", got)
	}
	ok(m.RemoveUserGrant(here, &management.RemoveUserGrantRequest{GrantId: grant, UserId: user}))(t)
	ok(m.RemoveProjectRole(here, &management.RemoveProjectRoleRequest{ProjectId: id, RoleKey: "super-user"}))(t)
	for _, id := range []string{id, user, grant} {
		if !isID.MatchString(id) {
			t.Errorf("%q cannot be imported", id)
		}
	}
}

func TestProviderAPIApplication(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Provider API")
	m := c.ManagementService()
	made := ok(m.AddAPIApp(here, &management.AddAPIAppRequest{ProjectId: id, Name: "API", AuthMethodType: app.APIAuthMethodType_API_AUTH_METHOD_TYPE_BASIC}))(t)
	ok(m.UpdateApp(here, &management.UpdateAppRequest{ProjectId: id, AppId: made.GetAppId(), Name: "API 2"}))(t)
	ok(m.UpdateAPIAppConfig(here, &management.UpdateAPIAppConfigRequest{ProjectId: id, AppId: made.GetAppId(), AuthMethodType: app.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT}))(t)
	got := ok(m.GetAppByID(here, &management.GetAppByIDRequest{ProjectId: id, AppId: made.GetAppId()}))(t).GetApp()
	if got.GetName() != "API 2" || got.GetDetails().GetResourceOwner() == "" || got.GetApiConfig().GetClientId() != made.GetClientId() ||
		got.GetApiConfig().GetAuthMethodType() != app.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT {
		t.Errorf("application: %v", got)
	}
	expires := timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Second))
	key := ok(m.AddAppKey(here, &management.AddAppKeyRequest{ProjectId: id, AppId: made.GetAppId(), Type: authn.KeyType_KEY_TYPE_JSON, ExpirationDate: expires}))(t).GetId()
	if got := ok(m.GetAppKey(here, &management.GetAppKeyRequest{ProjectId: id, AppId: made.GetAppId(), KeyId: key}))(t).GetKey(); got.GetId() != key ||
		got.GetType() != authn.KeyType_KEY_TYPE_JSON || !proto.Equal(got.GetExpirationDate(), expires) {
		t.Errorf("key: %v", got)
	}
	ok(m.RemoveAppKey(here, &management.RemoveAppKeyRequest{ProjectId: id, AppId: made.GetAppId(), KeyId: key}))(t)
	ok(m.RemoveApp(here, &management.RemoveAppRequest{ProjectId: id, AppId: made.GetAppId()}))(t)
}

// Metadata is set to the same value again without complaint; the list is
// asked for by its key alone, which is the method EQUALS.
func TestProviderMetadata(t *testing.T) {
	c := asOwner(t)
	here, m := in(t.Context(), newOrganization(t, c, "Provider metadata")), c.ManagementService()
	user := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "provider-metadata", Name: "Metadata"}))(t).GetUserId()
	byKey := []*metadata.MetadataQuery{{Query: &metadata.MetadataQuery_KeyQuery{KeyQuery: &metadata.MetadataKeyQuery{Key: "a key"}}}}
	for _, value := range []string{"a value", "a value", "another"} {
		ok(m.SetOrgMetadata(here, &management.SetOrgMetadataRequest{Key: "a key", Value: []byte(value)}))(t)
		ok(m.SetUserMetadata(here, &management.SetUserMetadataRequest{Id: user, Key: "a key", Value: []byte(value)}))(t)
		ofOrg := ok(m.GetOrgMetadata(here, &management.GetOrgMetadataRequest{Key: "a key"}))(t).GetMetadata()
		ofUser := ok(m.GetUserMetadata(here, &management.GetUserMetadataRequest{Id: user, Key: "a key"}))(t).GetMetadata()
		if string(ofOrg.GetValue()) != value || string(ofUser.GetValue()) != value {
			t.Errorf("got %v and %v, want %q", ofOrg, ofUser, value)
		}
	}
	ofOrg := ok(m.ListOrgMetadata(here, &management.ListOrgMetadataRequest{Queries: byKey}))(t).GetResult()
	ofUser := ok(m.ListUserMetadata(here, &management.ListUserMetadataRequest{Id: user, Queries: byKey}))(t).GetResult()
	if len(ofOrg) != 1 || len(ofUser) != 1 {
		t.Errorf("listed %v and %v", ofOrg, ofUser)
	}
	ok(m.RemoveOrgMetadata(here, &management.RemoveOrgMetadataRequest{Key: "a key"}))(t)
	ok(m.RemoveUserMetadata(here, &management.RemoveUserMetadataRequest{Id: user, Key: "a key"}))(t)
}

// A machine user gets a secret and loses it; a member of the instance has the
// instance for its owner.
func TestProviderMachine(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here, m := in(ctx, newOrganization(t, c, "Provider machine")), c.ManagementService()
	user := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "provider-secret", Name: "Secret"}))(t).GetUserId()
	secret := ok(m.GenerateMachineSecret(here, &management.GenerateMachineSecretRequest{UserId: user}))(t)
	if secret.GetClientId() != "provider-secret" || secret.GetClientSecret() == "" {
		t.Errorf("the client is %q", secret.GetClientId())
	}
	ok(m.UpdateMachine(here, &management.UpdateMachineRequest{UserId: user, Name: "Secret", Description: "has one"}))(t)
	if got := ok(m.GetUserByID(here, &management.GetUserByIDRequest{Id: user}))(t).GetUser().GetMachine(); !got.GetHasSecret() || got.GetDescription() != "has one" {
		t.Errorf("got %v", got)
	}
	ok(m.RemoveMachineSecret(here, &management.RemoveMachineSecretRequest{UserId: user}))(t)

	a := c.AdminService()
	ok(a.AddIAMMember(ctx, &admin.AddIAMMemberRequest{UserId: user, Roles: []string{"IAM_USER_MANAGER"}}))(t)
	ok(a.UpdateIAMMember(ctx, &admin.UpdateIAMMemberRequest{UserId: user, Roles: []string{"IAM_ORG_MANAGER", "IAM_USER_MANAGER"}}))(t)
	got := ok(a.ListIAMMembers(ctx, &admin.ListIAMMembersRequest{Queries: []*member.SearchQuery{{Query: &member.SearchQuery_UserIdQuery{UserIdQuery: &member.UserIDQuery{UserId: user}}}}}))(t).GetResult()
	instance := ok(a.GetMyInstance(ctx, nil))(t).GetInstance().GetId()
	if len(got) != 1 || got[0].GetDetails().GetResourceOwner() != instance || !isID.MatchString(instance) || !slices.Equal(got[0].GetRoles(), []string{"IAM_ORG_MANAGER", "IAM_USER_MANAGER"}) {
		t.Errorf("members of %s: %v", instance, got)
	}
	ok(a.RemoveIAMMember(ctx, &admin.RemoveIAMMemberRequest{UserId: user}))(t)
}

// The default organization is another one, and again the first.
func TestProviderDefaultOrganization(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	id, a := newOrganization(t, c, "Provider default"), c.AdminService()
	before := ok(a.GetDefaultOrg(ctx, nil))(t).GetOrg().GetId()
	for _, id := range []string{id, before} {
		ok(a.SetDefaultOrg(ctx, &admin.SetDefaultOrgRequest{OrgId: id}))(t)
		if got := ok(a.GetDefaultOrg(ctx, nil))(t).GetOrg().GetId(); got != id {
			t.Errorf("the default is %s, want %s", got, id)
		}
	}
}

// The provider signs for a system user by itself, with a type in the header,
// and sends that to the other services too.
func TestProviderSystemToken(t *testing.T) {
	ctx := t.Context()
	now := time.Now().Unix()
	claims := ok(json.Marshal(map[string]any{"iss": "terraform", "sub": "terraform", "aud": running.url.String(), "iat": now, "exp": now + 3600}))(t)
	part := base64.RawURLEncoding.EncodeToString
	signed := part([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	signature := ok(rsa.SignPKCS1v15(rand.Reader, running.terraform, crypto.SHA256, sum[:]))(t)
	c := connect(t, "localhost", client.PAT(signed+"."+part(signature)))
	ok(c.AdminService().GetMyInstance(ctx, nil))(t)
	id := ok(c.AdminService().GetDefaultOrg(ctx, nil))(t).GetOrg().GetId()
	if got := ok(c.ManagementService().GetMyOrg(in(ctx, id), nil))(t).GetOrg().GetId(); got != id {
		t.Errorf("the organization is %q, want %q", got, id)
	}
}
