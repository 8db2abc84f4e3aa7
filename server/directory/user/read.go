package user

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Get returns the user of the instance of ctx, or fault.UserUnknown. It serves
// reads and transactions alike.
func Get(ctx context.Context, users *ent.UserClient, id string) (*ent.User, error) {
	row, err := users.Query().Where(user.UserID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.UserUnknown.With()
	}
	return row, err
}

// OwnerOf returns the organization of a user, or fault.UserUnknown.
func OwnerOf(ctx context.Context, s *store.Store, id string) (string, error) {
	owner, err := s.Read().User.Query().Where(user.UserID(id)).Select(user.FieldResourceOwner).String(ctx)
	if ent.IsNotFound(err) {
		err = fault.UserUnknown.With()
	}
	return owner, err
}

// LoginNames are the names that a user can sign in with.
type LoginNames struct {
	All       []string
	Preferred string
}

// LoginNamesOf returns the login names of each user, in their order. A user
// whose name is unique in the instance has that name alone; else it is joined
// with every verified domain of the organization, the primary one first.
func LoginNamesOf(ctx context.Context, s *store.Store, users ...*ent.User) ([]LoginNames, error) {
	domains := make(map[string][]string) // by organization
	for _, u := range users {
		if u.NameScope == "" || domains[u.NameScope] != nil {
			continue
		}
		names, err := s.Read().OrganizationDomain.Query().
			Where(organizationdomain.OrganizationPk(u.OrganizationPk), organizationdomain.Verified(true)).
			Order(organizationdomain.ByIsPrimary(sql.OrderDesc()), organizationdomain.ByDomain()).
			Select(organizationdomain.FieldDomain).Strings(ctx)
		if err != nil {
			return nil, err
		}
		domains[u.NameScope] = names
	}
	result := make([]LoginNames, len(users))
	for i, u := range users {
		names := []string{u.UserName}
		if u.NameScope != "" {
			names = nil
			for _, d := range domains[u.NameScope] {
				names = append(names, u.UserName+"@"+d)
			}
		}
		result[i] = LoginNames{All: names}
		if len(names) > 0 {
			result[i].Preferred = names[0]
		}
	}
	return result, nil
}
