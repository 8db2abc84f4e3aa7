package token

import (
	"context"

	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/caller"
)

// Memberships returns the memberships of a user in the instance of ctx, and
// those that a system user brought with it. Where the token confines the user to
// an organization, it has those of that organization only. An anonymous caller
// has none. It returns the errors of the database.
func (t *Tokens) Memberships(ctx context.Context, c caller.Caller) ([]caller.Membership, error) {
	if c.Kind != caller.User {
		return c.Memberships, nil
	}
	which := []predicate.Membership{membership.UserPk(c.PrimaryKey)}
	if c.ConfinedTo != "" {
		which = append(which, membership.LevelEQ(membership.LevelOrganization), membership.ObjectID(c.ConfinedTo))
	}
	rows, err := t.store.Read().Membership.Query().
		Where(which...).
		Select(membership.FieldLevel, membership.FieldObjectID, membership.FieldRoles).
		All(ctx)
	if err != nil {
		return nil, err
	}
	memberships := make([]caller.Membership, len(rows))
	for i, row := range rows {
		memberships[i] = caller.Membership{Level: caller.OrganizationLevel, ID: row.ObjectID, Roles: row.Roles}
		if row.Level == membership.LevelInstance {
			memberships[i].Level = caller.InstanceLevel
		}
	}
	return memberships, nil
}
