package user

import (
	"context"
	"strings"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// ByLoginName returns the user of the instance of ctx with the login name,
// whatever its case, or fault.UserUnknown. Should two users have it, it is the
// one whose whole user name it is.
func ByLoginName(ctx context.Context, s *store.Store, name string) (*ent.User, error) {
	row, err := inScope(ctx, s, "", name)
	at := strings.LastIndexByte(name, '@') // a domain has none
	if !ent.IsNotFound(err) || at < 0 {
		return row, known(err)
	}
	domain, err := s.Read().OrganizationDomain.Query().
		Where(organizationdomain.Domain(string(store.Key(name[at+1:]))), organizationdomain.Verified(true)).
		WithOrganization().Only(ctx)
	if err != nil {
		return nil, known(err)
	}
	row, err = inScope(ctx, s, domain.Edges.Organization.OrganizationID, name[:at])
	return row, known(err)
}

func inScope(ctx context.Context, s *store.Store, scope, name string) (*ent.User, error) {
	return s.Read().User.Query().Where(user.NameScope(scope), user.NameKey(store.Key(name))).Only(ctx)
}

// known says that it is the user who is not known.
func known(err error) error {
	if ent.IsNotFound(err) {
		return fault.UserUnknown.With()
	}
	return err
}

// IsUnique reports whether a user of the organization could be given the user
// name, as its domain policy has it, and whether no user of the instance has
// the e-mail address. An empty text is nobody's.
func IsUnique(ctx context.Context, s *store.Store, organizationID, name, email string) (bool, error) {
	scope, err := scopeOf(ctx, s.Read().OwnerPolicy, organizationID)
	if err != nil {
		return false, err
	}
	taken := user.And(user.NameScope(scope), user.NameKey(store.Key(name)))
	if email != "" {
		taken = user.Or(taken, user.EmailKey(store.Key(email)))
	}
	exists, err := s.Read().User.Query().Where(taken).Exist(ctx)
	return !exists && err == nil, err
}

// scopeOf returns where user names of an organization have to be unique: the
// name_scope of its new users.
func scopeOf(ctx context.Context, policies *ent.OwnerPolicyClient, organizationID string) (string, error) {
	domains, err := policy.Get(ctx, policies, policy.Domain, organizationID)
	if err != nil || !domains.UserLoginMustBeDomain {
		return "", err
	}
	return organizationID, nil
}

// Rename gives a user another user name. It returns fault.UserNameTaken, or
// fault.NothingChanged for the name that it has.
func Rename(ctx context.Context, tx *store.Tx, u *ent.User, name string) (store.Change, error) {
	u, err := lock(ctx, tx, u)
	if err != nil {
		return store.Change{}, err
	}
	before := u.UserName
	if before == store.Text(name) {
		return store.Change{}, fault.NothingChanged.With()
	}
	err = tx.User.UpdateOne(u).SetUserName(store.Text(name)).SetNameKey(store.Key(name)).Exec(ctx)
	if store.TakenColumn(err) == user.FieldNameKey {
		err = fault.UserNameTaken.With().Because(err)
	}
	if err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.UserUsernameChanged, store.UserObject(u),
		store.Payload{Personal: map[string]any{"userName": store.Text(name), "oldUserName": before}})
}

// lock makes other changes of the user wait, and reads it again.
func lock(ctx context.Context, tx *store.Tx, u *ent.User) (*ent.User, error) {
	if err := tx.Lock(ctx, store.UserObject(u)); err != nil {
		return nil, err
	}
	return Get(ctx, tx.User, u.UserID)
}
