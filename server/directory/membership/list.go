package membership

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/predicate"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Member is a membership with its user, who is loaded.
type Member struct {
	*ent.Membership
	User       *ent.User
	LoginNames user.LoginNames
}

// TextColumn is a text of the user that members are searched by. A machine has
// empty ones.
type TextColumn int

// The texts that members are searched by.
const (
	FirstName TextColumn = iota
	LastName
	Email
)

// WhereText returns the condition that a text of the user matches.
func WhereText(column TextColumn, method store.TextMethod, needle string) predicate.Membership {
	columns := map[TextColumn][2]string{
		FirstName: {entuser.FieldFirstName, entuser.FieldFirstNameKey},
		LastName:  {entuser.FieldLastName, entuser.FieldLastNameKey},
		Email:     {entuser.FieldEmail, entuser.FieldEmailKey},
	}
	return membership.HasUserWith(store.TextMatch(columns[column][0], columns[column][1], method, needle))
}

// WhereUser returns the condition that the user has the id.
func WhereUser(id string) predicate.Membership { return membership.HasUserWith(entuser.UserID(id)) }

// SortColumn is a column that members are sorted by.
type SortColumn int

// The columns that members are sorted by.
const (
	ByCreation SortColumn = iota
	ByUserID
	ByChange
	ByUserOwner
)

// Of returns the condition that a membership is one of the instance or
// organization with the id.
func Of(level caller.Level, id string) predicate.Membership {
	return membership.And(membership.LevelEQ(levels[level]), membership.ObjectID(id))
}

// List returns a page of the members that match all conditions, and how many
// match.
func List(ctx context.Context, s *store.Store, page store.Page, by SortColumn, conditions ...predicate.Membership) ([]Member, uint64, error) {
	order := map[SortColumn]func(...sql.OrderTermOption) membership.OrderOption{
		ByCreation: membership.ByCreatedAt,
		ByChange:   membership.ByChangedAt,
		ByUserID: func(o ...sql.OrderTermOption) membership.OrderOption {
			return membership.ByUserField(entuser.FieldUserID, o...)
		},
		ByUserOwner: func(o ...sql.OrderTermOption) membership.OrderOption {
			return membership.ByUserField(entuser.FieldResourceOwner, o...)
		},
	}
	q := s.Read().Membership.Query().WithUser().Where(conditions...)
	rows, total, err := store.List(ctx, s, q, page, order[by], membership.ByID)
	if err != nil {
		return nil, 0, err
	}
	// A user may have been removed since the memberships were read.
	rows = slices.DeleteFunc(rows, func(row *ent.Membership) bool { return row.Edges.User == nil })
	users := make([]*ent.User, len(rows))
	for i, row := range rows {
		users[i] = row.Edges.User
	}
	names, err := user.LoginNamesOf(ctx, s, users...)
	if err != nil {
		return nil, 0, err
	}
	members := make([]Member, len(rows))
	for i, row := range rows {
		members[i] = Member{Membership: row, User: row.Edges.User, LoginNames: names[i]}
	}
	return members, total, nil
}
