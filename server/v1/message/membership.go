package message

import (
	"context"

	"github.com/bastide-id/bastide/ent/predicate"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/store"
)

// MembershipQuery is what the requests that search memberships of a user have
// in common.
type MembershipQuery interface {
	GetQuery() *zitadelv1.ListQuery
	GetQueries() []*userv1.MembershipQuery
}

// Memberships answers a search for what a user is a member of, as far as it
// matches the conditions.
func Memberships(ctx context.Context, s *store.Store, userID string, q MembershipQuery, only ...predicate.Membership) (*zitadelv1.ListDetails, []*userv1.Membership, error) {
	return List(ctx, s, q, func(page store.Page) ([]membership.Named, uint64, error) {
		return membership.ListOfUser(ctx, s, userID, page, append(membershipConditions(q.GetQueries()), only...)...)
	}, func(row membership.Named) *userv1.Membership {
		m := &userv1.Membership{
			UserId:      userID,
			Details:     Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.ObjectID),
			Roles:       row.Roles,
			DisplayName: row.Name,
			Type:        &userv1.Membership_OrgId{OrgId: row.ObjectID},
		}
		if row.Level == caller.InstanceLevel {
			m.Type = &userv1.Membership_Iam{Iam: true}
		}
		return m
	})
}

func membershipConditions(queries []*userv1.MembershipQuery) []predicate.Membership {
	conditions := make([]predicate.Membership, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *userv1.MembershipQuery_OrgQuery:
			conditions[i] = membership.WhereOrganization(q.OrgQuery.GetOrgId())
		case *userv1.MembershipQuery_IamQuery:
			conditions[i] = membership.WhereInstance(q.IamQuery.GetIam())
		default: // projects have no members
			conditions[i] = membership.WhereNever()
		}
	}
	return conditions
}
