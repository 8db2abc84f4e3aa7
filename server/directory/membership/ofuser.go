package membership

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	entorganization "github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/predicate"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
)

// Named is a membership with the name of the instance or organization.
type Named struct {
	*ent.Membership
	Level caller.Level
	Name  string
}

// WhereOrganization returns the condition that a membership is one of the
// organization with the id.
func WhereOrganization(id string) predicate.Membership { return Of(caller.OrganizationLevel, id) }

// WhereInstance returns the condition that a membership is one of the
// instance, or that it is not.
func WhereInstance(is bool) predicate.Membership {
	if is {
		return membership.LevelEQ(membership.LevelInstance)
	}
	return membership.LevelNEQ(membership.LevelInstance)
}

// WhereCounts returns the condition that a membership counts in an organization:
// it is one of the organization, or of the instance.
func WhereCounts(organizationID string) predicate.Membership {
	return membership.Or(WhereInstance(true), WhereOrganization(organizationID))
}

// WhereNever returns the condition that no membership matches.
func WhereNever() predicate.Membership {
	return func(s *sql.Selector) { s.Where(sql.False()) }
}

// ListOfUser returns a page of the memberships of a user that match all
// conditions, in the order in which they began, and how many match.
func ListOfUser(ctx context.Context, s *store.Store, userID string, page store.Page, conditions ...predicate.Membership) ([]Named, uint64, error) {
	q := s.Read().Membership.Query().
		WithOrganization(func(q *ent.OrganizationQuery) {
			q.Select(entorganization.FieldID, entorganization.FieldName)
		}).
		Where(membership.HasUserWith(entuser.UserID(userID))).Where(conditions...)
	rows, total, err := store.List(ctx, s, q, page, membership.ByCreatedAt, membership.ByID)
	if err != nil || len(rows) == 0 {
		return nil, total, err
	}
	in, err := s.Read().Instance.Query().Only(ctx) // the scope of ctx leaves one
	if err != nil {
		return nil, 0, err
	}
	// An organization may have been removed since the memberships were read.
	rows = slices.DeleteFunc(rows, func(row *ent.Membership) bool {
		return row.Level == membership.LevelOrganization && row.Edges.Organization == nil
	})
	named := make([]Named, len(rows))
	for i, row := range rows {
		named[i] = Named{Membership: row, Level: caller.InstanceLevel, Name: in.Name}
		if row.Level == membership.LevelOrganization {
			named[i].Level, named[i].Name = caller.OrganizationLevel, row.Edges.Organization.Name
		}
	}
	return named, total, nil
}

// RolesIn returns the roles that a user holds in an organization: those of its
// members, and those of members of the instance, which count there as well.
func RolesIn(ctx context.Context, s *store.Store, userID, organizationID string) (roles []string, err error) {
	rows, err := s.Read().Membership.Query().
		Where(membership.HasUserWith(entuser.UserID(userID)),
			WhereCounts(organizationID)).
		Select(membership.FieldRoles).All(ctx)
	for _, row := range rows {
		roles = append(roles, row.Roles...)
	}
	return roles, err
}

// WhereMember returns the condition that an organization is active and that a
// user is a member of it, as a member of the instance is of every one.
func WhereMember(ctx context.Context, s *store.Store, userID string) (predicate.Organization, error) {
	is := membership.HasUserWith(entuser.UserID(userID))
	everywhere, err := s.Read().Membership.Query().Where(is, WhereInstance(true)).Exist(ctx)
	active := entorganization.StateEQ(entorganization.StateActive)
	if everywhere {
		return active, err
	}
	return entorganization.And(active, entorganization.HasMembershipsWith(is)), err
}
