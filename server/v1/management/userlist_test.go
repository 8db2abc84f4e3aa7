package management_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// robot is what is answered of a machine that NewMachine made.
func robot(id, name, organizationID string) *userv1.User {
	return &userv1.User{
		Id: id, Details: details(1, organizationID), State: userv1.UserState_USER_STATE_ACTIVE,
		UserName: name, LoginNames: []string{name}, PreferredLoginName: name,
		Type: &userv1.User_Machine{Machine: &userv1.Machine{Name: name}},
	}
}

// mustBeDomain makes the login names of an instance's new users end with a
// domain.
func mustBeDomain(t *testing.T, s *servertest.Server, i servertest.Tenant) {
	t.Helper()
	s.Exec(t, `INSERT INTO policies (instance_id, owner_id, kind, settings, sequence, created_at, changed_at)
		VALUES ('`+i.ID+`', '`+i.ID+`', 'domain', '{"userLoginMustBeDomain":true}', 1, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`)
}

// giveDomain gives the owner's organization another domain.
func giveDomain(t *testing.T, s *servertest.Server, i servertest.Tenant, domain, verified string) {
	t.Helper()
	s.Exec(t, `INSERT INTO organization_domains (instance_id, organization_pk, domain, verified, is_primary, sequence, created_at, changed_at)
		SELECT instance_id, id, '`+domain+`', `+verified+`, false, 1, created_at, created_at FROM organizations WHERE organization_id = '`+i.OrganizationID+`'`)
}

func TestGetUserByID(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		id, elsewhere := i.NewMachine(t, "Robot"), i.NewOrganization(t, "elsewhere")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: id}))(t)
			s.Equal(t, got, &managementv1.GetUserByIDResponse{User: robot(id, "Robot", i.OrganizationID)})
			for _, stranger := range []string{"unknown", other.OwnerID} {
				_, err := c.Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: stranger})
				servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
			}
			_, err := c.In(elsewhere).Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: id})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
	})
}

func TestGetUserByLoginNameGlobal(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		elsewhere := i.NewOrganization(t, "elsewhere")
		whole := i.NewMachine(t, "Straße@acme.acme.test")
		other.NewMachine(t, "others")
		mustBeDomain(t, s, i)
		giveDomain(t, s, i, "second.example", "true")
		giveDomain(t, s, i, "unproved.example", "false")
		scoped, shadowed := i.NewMachine(t, "Zoë@home"), i.NewMachine(t, "straße")
		i.Owner.In(elsewhere).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			get := func(name string) (*managementv1.GetUserByLoginNameGlobalResponse, error) {
				return c.Management.GetUserByLoginNameGlobal(t.Context(), &managementv1.GetUserByLoginNameGlobalRequest{LoginName: name})
			}
			s.Equal(t, servertest.OK(get("STRASSE@Acme.Acme.TEST"))(t), &managementv1.GetUserByLoginNameGlobalResponse{
				User: robot(whole, "Straße@acme.acme.test", i.OrganizationID),
			})
			for name, want := range map[string]string{
				"zoë@home@acme.acme.test": scoped, "ZOË@HOME@SECOND.example": scoped, "strasse@second.example": shadowed,
			} {
				if got := servertest.OK(get(name))(t).GetUser(); got.GetId() != want || len(got.GetLoginNames()) != 2 {
					t.Errorf("%s: the user %s with the names %q", name, got.GetId(), got.GetLoginNames())
				}
			}
			for _, name := range []string{"nobody", "others", "zoë@home", "straße", "zoë@home@unproved.example", "zoë@home@", "@acme.acme.test", "@", "%", "owner@acme.acme.test"} {
				_, err := get(name)
				servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
			}
		})
	})
}

func TestListUsers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		person := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), person("ada")))(t).GetUserId()
		empty := i.NewOrganization(t, "empty")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			owner := robot(i.OwnerID, "owner", i.OrganizationID)
			owner.Details.Sequence = 2 // it has a token
			owner.Type = &userv1.User_Machine{Machine: &userv1.Machine{Name: "Owner"}}
			request := &managementv1.ListUsersRequest{
				Query: &zitadelv1.ListQuery{Asc: true}, SortingColumn: userv1.UserFieldName_USER_FIELD_NAME_FIRST_NAME,
			}
			got := servertest.OK(c.Management.ListUsers(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.ListUsersResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 2}, SortingColumn: request.SortingColumn,
				Result: []*userv1.User{owner, {
					Id: person, Details: details(1, i.OrganizationID), State: userv1.UserState_USER_STATE_INITIAL,
					UserName: "ada", LoginNames: []string{"ada"}, PreferredLoginName: "ada",
					Type: &userv1.User_Human{Human: &userv1.Human{
						Profile: &userv1.Profile{FirstName: "Ada", LastName: "Lovelace", DisplayName: "Ada Lovelace"},
						Email:   &userv1.Email{Email: "ada@example.com"}, Phone: &userv1.Phone{},
					}},
				}},
			})
			got = servertest.OK(c.In(empty).Management.ListUsers(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.ListUsersResponse{Details: &zitadelv1.ListDetails{}, SortingColumn: request.SortingColumn})
			_, err := c.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{Queries: []*userv1.SearchQuery{{}}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
	})
}

func TestIsUserUnique(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		scoped := s.NewInstance(t, "scoped")
		mustBeDomain(t, s, scoped)
		servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), person("Ädа")))(t)
		servertest.OK(other.Owner.Management.ImportHumanUser(t.Context(), person("others")))(t)
		elsewhere, apart := i.NewOrganization(t, "elsewhere"), scoped.NewOrganization(t, "apart")
		scoped.NewMachine(t, "robot")
		for name, test := range map[string]struct {
			c           *servertest.Caller
			name, email string
			want        bool
		}{
			"free":              {i.Owner, "others", "", true},
			"taken":             {i.Owner, "äDА", "", false},
			"elsewhere":         {i.Owner.In(elsewhere), "ädа", "", false},
			"e-mail":            {i.Owner, "", "ADA@Example.com", false},
			"e-mail, elsewhere": {i.Owner.In(elsewhere), "free", "ada@example.com", false},
			"both free":         {i.Owner, "free", "free@example.com", true},
			"only the name":     {i.Owner, "ädа", "free@example.com", false},
			"another's e-mail":  {scoped.Owner, "", "ada@example.com", true},
			"in scope":          {scoped.Owner, "ROBOT", "", false},
			"in another scope":  {scoped.Owner.In(apart), "robot", "", true},
			"nothing":           {i.Owner, "", "", true},
		} {
			got := servertest.OK(test.c.Management.IsUserUnique(t.Context(), &managementv1.IsUserUniqueRequest{UserName: test.name, Email: test.email}))(t)
			if got.GetIsUnique() != test.want {
				t.Errorf("%s: unique %t", name, got.GetIsUnique())
			}
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.IsUserUnique(t.Context(), &managementv1.IsUserUniqueRequest{UserName: "new"}))(t)
			s.Equal(t, got, &managementv1.IsUserUniqueResponse{IsUnique: true})
			_, err := c.Management.IsUserUnique(t.Context(), &managementv1.IsUserUniqueRequest{UserName: strings.Repeat("a", 201)})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
	})
}
