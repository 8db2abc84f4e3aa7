package user

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/store"
)

// Named is a user with its login names.
type Named struct {
	*ent.User
	LoginNames LoginNames
}

// TextColumn is a text that users are searched by. A machine has a user name
// and a display name, and no other text.
type TextColumn int

// The texts that users are searched by.
const (
	UserName TextColumn = iota
	FirstName
	LastName
	NickName
	DisplayName
	Email
)

// columns has the column of each text, and that of its key.
var columns = map[TextColumn][2]string{
	UserName:    {user.FieldUserName, user.FieldNameKey},
	FirstName:   {user.FieldFirstName, user.FieldFirstNameKey},
	LastName:    {user.FieldLastName, user.FieldLastNameKey},
	NickName:    {user.FieldNickName, user.FieldNickNameKey},
	DisplayName: {user.FieldDisplayName, user.FieldDisplayNameKey},
	Email:       {user.FieldEmail, user.FieldEmailKey},
}

// WhereText returns the condition that a text matches.
func WhereText(column TextColumn, method store.TextMethod, needle string) predicate.User {
	return store.TextMatch(columns[column][0], columns[column][1], method, needle)
}

// WhereEmailIn returns the condition that the e-mail address is one of those
// given, letter for letter.
func WhereEmailIn(addresses []string) predicate.User {
	return store.TextIn(user.FieldEmail, addresses)
}

// WhereIDIn returns the condition that the id is one of those given.
func WhereIDIn(ids []string) predicate.User { return store.TextIn(user.FieldUserID, ids) }

// WhereLoginName returns the condition that one of the login names matches.
func WhereLoginName(method store.TextMethod, needle string) predicate.User {
	whole := user.And(user.NameScope(""), WhereText(UserName, method, needle))
	withDomain := func(s *sql.Selector) {
		build := sql.Dialect(s.Dialect())
		domains := build.Table(organizationdomain.Table)
		s.Where(sql.Exists(build.Select(domains.C(organizationdomain.FieldID)).From(domains).Where(sql.And(
			sql.ColumnsEQ(domains.C(organizationdomain.FieldOrganizationPk), s.C(user.FieldOrganizationPk)),
			sql.EQ(domains.C(organizationdomain.FieldVerified), true),
			store.AddressMatch(s.C(user.FieldUserName), s.C(user.FieldNameKey), domains.C(organizationdomain.FieldDomain), method, needle),
		))))
	}
	return user.Or(whole, user.And(user.NameScopeNEQ(""), withDomain))
}

// SortColumn is a column that users are sorted by.
type SortColumn int

// The columns that users are sorted by. Texts are sorted by their keys; states
// in the order of the contract.
const (
	ByCreation SortColumn = iota
	ByUserName
	ByFirstName
	ByLastName
	ByNickName
	ByDisplayName
	ByEmail
	ByState
	ByType
)

// orders has the term of each column.
var orders = map[SortColumn]func(...sql.OrderTermOption) user.OrderOption{
	ByCreation:    user.ByCreatedAt,
	ByUserName:    byKey(UserName),
	ByFirstName:   byKey(FirstName),
	ByLastName:    byKey(LastName),
	ByNickName:    byKey(NickName),
	ByDisplayName: byKey(DisplayName),
	ByEmail:       byKey(Email),
	ByState:       store.ByRank[user.OrderOption](user.FieldState, user.StateActive, user.StateInactive, user.StateLocked, user.StateInitial),
	ByType:        store.ByRank[user.OrderOption](user.FieldType, user.TypeHuman, user.TypeMachine),
}

func byKey(column TextColumn) func(...sql.OrderTermOption) user.OrderOption {
	return func(options ...sql.OrderTermOption) user.OrderOption {
		return sql.OrderByField(columns[column][1], options...).ToFunc()
	}
}

// List returns a page of the users of an organization that match all
// conditions, and how many match.
func List(ctx context.Context, s *store.Store, of *ent.Organization, page store.Page, by SortColumn, conditions ...predicate.User) ([]Named, uint64, error) {
	q := s.Read().User.Query().Where(user.OrganizationPk(of.ID)).Where(conditions...)
	rows, total, err := store.List(ctx, s, q, page, orders[by], user.ByID)
	if err != nil {
		return nil, 0, err
	}
	names, err := LoginNamesOf(ctx, s, rows...)
	if err != nil {
		return nil, 0, err
	}
	users := make([]Named, len(rows))
	for i, row := range rows {
		users[i] = Named{User: row, LoginNames: names[i]}
	}
	return users, total, nil
}
