package oauth

import (
	"context"
	"encoding/json"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/server/store"
)

// authorization is an active project, and what a user is granted in it.
type authorization struct {
	// owner is the organization of the project, which is that of its grants.
	owner, domain string
	// roleAssertion tells the roles in tokens that do not ask for them.
	roleAssertion bool
	// roleCheck lets in only who is granted something, ownerCheck only users of
	// the project's organization.
	roleCheck, ownerCheck bool
	// granted tells that the user has an active grant.
	granted bool
	roles   []string
}

// letsIn reports whether the project lets in the user, who belongs to an
// organization.
func (a authorization) letsIn(organizationID string) bool {
	return (!a.roleCheck || a.granted) && (!a.ownerCheck || a.owner == organizationID)
}

// project returns an active project of an active organization, with the active
// grant of a user; 0 for no user. found is false if there is no such project.
// It returns the errors of the database.
func (r *claimReader) project(ctx context.Context, userKey int64, projectID string) (a authorization, found bool, err error) {
	return r.projects.Get(ctx, userProject{userKey, projectID})
}

// userProject is a user, by its primary key, in a project.
type userProject struct {
	userKey   int64
	projectID string
}

// maxHeldRoles bounds the roles of a grant that is held; their keys are short.
const maxHeldRoles = 50

func (r *claimReader) findProject(ctx context.Context, of userProject) (a authorization, found bool, err error) {
	var domain *string
	var roles []byte
	found, err = r.projectRow.Row(ctx, []any{of.userKey, of.projectID},
		&a.owner, &a.roleAssertion, &a.roleCheck, &a.ownerCheck, &roles, &domain)
	if err != nil || !found {
		return a, false, err
	}
	if domain != nil {
		a.domain = *domain
	}
	if a.granted = roles != nil; a.granted {
		err = json.Unmarshal(roles, &a.roles)
	}
	return a, true, err
}

// projectLookup finds an active project by its id, with the one grant that a
// user may have in it. A role that is removed is taken from the grants, so what
// they name the project has. Foreign keys never leave the instance that the
// query is confined to.
func projectLookup(s *store.Store) *store.Lookup {
	return s.Lookup(project.Table, func(s *sql.Selector) {
		organizations, grants := sql.Table(organization.Table), sql.Table(usergrant.Table)
		s.Join(organizations).On(s.C(project.FieldOrganizationPk), organizations.C(organization.FieldID))
		s.LeftJoin(grants).On(s.C(project.FieldID), grants.C(usergrant.FieldProjectPk)).
			OnP(sql.EQ(grants.C(usergrant.FieldUserPk), store.Given)).
			OnP(sql.EQ(grants.C(usergrant.FieldState), usergrant.StateActive))
		domains := joinPrimaryDomain(s, organizations)
		s.Select(
			s.C(project.FieldResourceOwner), s.C(project.FieldRoleAssertion), s.C(project.FieldRoleCheck), s.C(project.FieldHasProjectCheck),
			grants.C(usergrant.FieldRoleKeys), domains.C(organizationdomain.FieldDomain),
		)
		s.Where(sql.And(
			sql.EQ(s.C(project.FieldProjectID), store.Given),
			sql.EQ(s.C(project.FieldState), project.StateActive),
			sql.EQ(organizations.C(organization.FieldState), organization.StateActive),
		))
	})
}

// addRoles adds the roles of the user in a project, as far as something asks
// for them.
func (r *claimReader) addRoles(ctx context.Context, c claims, a about, in inProject) error {
	found, ok, err := r.project(ctx, a.userKey, in.projectID)
	if err == nil && ok && (a.asks.roles() || found.roleAssertion) {
		found.tell(c, a.asks, in)
	}
	return err
}

// tell adds the roles, each with the organization that granted it. Scopes that
// name roles leave out the others, and a token that is confined to an
// organization tells of no other one.
func (a authorization) tell(c claims, asks asks, in inProject) {
	if asks.organization != "" && asks.organization != a.owner {
		return
	}
	roles := make(map[string]map[string]string, len(a.roles))
	for _, key := range a.roles {
		if len(asks.keys) == 0 || slices.Contains(asks.keys, key) {
			roles[key] = map[string]string{a.owner: a.domain}
		}
	}
	if len(roles) == 0 {
		return
	}
	c["urn:zitadel:iam:org:project:"+in.projectID+":roles"] = roles
	if in.own {
		c[claimRoles] = roles
	}
}
