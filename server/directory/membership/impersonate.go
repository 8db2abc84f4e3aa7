package membership

import (
	"context"

	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/organization"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
)

// The permissions of impersonators.
const (
	impersonate       = "impersonation"
	impersonateMember = "admin.impersonation"
)

// MayImpersonate reports whether the user with the id actorID is active and may
// act as another user of the instance of ctx, who has the primary key and belongs
// to the organization: it takes the permission impersonation there. Who has roles
// may do more than others, so to act as a member takes admin.impersonation, there
// and at each level that the user is a member of: else the impersonator of one
// organization could become the owner of another, or of the instance. Nobody acts
// as itself. Of an actor whose token is confined to an organization, the roles
// there count only; confinedTo is empty for any other. It returns the errors of
// the database.
func MayImpersonate(ctx context.Context, s *store.Store, actorID string, userKey int64, organizationID, confinedTo string) (bool, error) {
	rows, err := s.Read().Membership.Query().Where(membership.Or(
		membership.UserPk(userKey),
		membership.HasUserWith(entuser.UserID(actorID), entuser.StateEQ(entuser.StateActive),
			entuser.HasOrganizationWith(organization.StateEQ(organization.StateActive))),
	)).All(ctx)
	if err != nil {
		return false, err
	}
	actor := caller.Caller{Kind: caller.User, ID: actorID}
	var levels []permission.Objects // that the user is a member of
	instanceID := caller.InstanceOf(ctx).ID
	for _, row := range rows {
		m := caller.Membership{Level: caller.InstanceLevel, ID: row.ObjectID, Roles: row.Roles}
		on := permission.Objects{InstanceID: instanceID}
		if row.Level == membership.LevelOrganization {
			m.Level, on.OrganizationID = caller.OrganizationLevel, row.ObjectID
		}
		if row.UserPk == userKey {
			levels = append(levels, on)
		} else if confinedTo == "" || on.OrganizationID == confinedTo {
			actor.Memberships = append(actor.Memberships, m)
		}
	}
	home := permission.Objects{InstanceID: instanceID, OrganizationID: organizationID}
	if len(levels) == 0 {
		return permission.Has(actor, impersonate, home), nil
	}
	for _, on := range append(levels, home) {
		if !permission.Has(actor, impersonateMember, on) {
			return false, nil
		}
	}
	return true, nil
}
