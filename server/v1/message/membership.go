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
	details, err := ListDetails(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	rows, total, err := membership.ListOfUser(ctx, s, userID, Page(q.GetQuery()), append(membershipConditions(q.GetQueries()), only...)...)
	if err != nil {
		return nil, nil, err
	}
	memberships := make([]*userv1.Membership, len(rows))
	for i, row := range rows {
		memberships[i] = &userv1.Membership{
			UserId:      userID,
			Details:     Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.ObjectID),
			Roles:       row.Roles,
			DisplayName: row.Name,
			Type:        &userv1.Membership_OrgId{OrgId: row.ObjectID},
		}
		if row.Level == caller.InstanceLevel {
			memberships[i].Type = &userv1.Membership_Iam{Iam: true}
		}
	}
	details.TotalResult = total
	return details, memberships, nil
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
