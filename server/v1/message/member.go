package message

import (
	"context"

	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/store"
)

// MemberQuery is what the requests that search members have in common.
type MemberQuery interface {
	GetQuery() *zitadelv1.ListQuery
	GetQueries() []*memberv1.SearchQuery
}

// Members answers a search for members of the instance or organization with
// the id.
func Members(ctx context.Context, s *store.Store, level caller.Level, id string, q MemberQuery) (*zitadelv1.ListDetails, []*memberv1.Member, error) {
	conditions := append(memberConditions(q.GetQueries()), membership.Of(level, id))
	return List(ctx, s, q, func(page store.Page) ([]membership.Member, uint64, error) {
		return membership.List(ctx, s, page, memberColumn(q), conditions...)
	}, member)
}

func member(row membership.Member) *memberv1.Member {
	kind := userv1.Type_TYPE_MACHINE
	if row.User.Type == user.TypeHuman {
		kind = userv1.Type_TYPE_HUMAN
	}
	return &memberv1.Member{
		UserId:             row.User.UserID,
		Details:            Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.ObjectID),
		Roles:              row.Roles,
		PreferredLoginName: row.LoginNames.Preferred,
		Email:              row.User.Email,
		FirstName:          row.User.FirstName,
		LastName:           row.User.LastName,
		DisplayName:        row.User.DisplayName,
		UserType:           kind,
		UserResourceOwner:  row.User.ResourceOwner,
	}
}

// memberColumn returns the column that members are to be sorted by. Not every
// request lets choose one.
func memberColumn(q MemberQuery) membership.SortColumn {
	sorted, ok := q.(interface {
		GetSortingColumn() memberv1.MemberFieldColumnName
	})
	if !ok {
		return membership.ByCreation
	}
	return map[memberv1.MemberFieldColumnName]membership.SortColumn{
		memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_USER_ID:             membership.ByUserID,
		memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_CHANGE_DATE:         membership.ByChange,
		memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_USER_RESOURCE_OWNER: membership.ByUserOwner,
	}[sorted.GetSortingColumn()]
}

func memberConditions(queries []*memberv1.SearchQuery) []predicate.Membership {
	conditions := make([]predicate.Membership, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *memberv1.SearchQuery_FirstNameQuery:
			conditions[i] = membership.WhereText(membership.FirstName, TextMethod(q.FirstNameQuery.GetMethod()), q.FirstNameQuery.GetFirstName())
		case *memberv1.SearchQuery_LastNameQuery:
			conditions[i] = membership.WhereText(membership.LastName, TextMethod(q.LastNameQuery.GetMethod()), q.LastNameQuery.GetLastName())
		case *memberv1.SearchQuery_EmailQuery:
			conditions[i] = membership.WhereText(membership.Email, TextMethod(q.EmailQuery.GetMethod()), q.EmailQuery.GetEmail())
		case *memberv1.SearchQuery_UserIdQuery:
			conditions[i] = membership.WhereUser(q.UserIdQuery.GetUserId())
		}
	}
	return conditions
}
