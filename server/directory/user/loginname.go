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
	if !ent.IsNotFound(err) {
		return row, err
	}
	row, err = inDomain(ctx, s, name)
	return row, known(err)
}

// IDsByLoginName returns the ids of the two users of the instance of ctx who may
// have the login name, whatever its case: of the one whose whole user name it is,
// and of the one whose user name stands before a domain. An id is empty where
// there is no such user.
func IDsByLoginName(ctx context.Context, s *store.Store, name string) (ids [2]string, err error) {
	for i, find := range []func() (*ent.User, error){
		func() (*ent.User, error) { return inScope(ctx, s, "", name) },
		func() (*ent.User, error) { return inDomain(ctx, s, name) },
	} {
		row, err := find()
		switch {
		case err == nil:
			ids[i] = row.UserID
		case !ent.IsNotFound(err):
			return ids, err
		}
	}
	return ids, nil
}

// inDomain returns the user whose name stands before a verified domain of its
// organization.
func inDomain(ctx context.Context, s *store.Store, name string) (*ent.User, error) {
	at := strings.LastIndexByte(name, '@') // a domain has none
	if at < 0 {
		return nil, &ent.NotFoundError{}
	}
	domain, err := s.Read().OrganizationDomain.Query().
		Where(organizationdomain.Domain(string(store.Key(name[at+1:]))), organizationdomain.Verified(true)).
		WithOrganization().Only(ctx)
	if err != nil {
		return nil, err
	}
	return inScope(ctx, s, domain.Edges.Organization.OrganizationID, name[:at])
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
	domains, err := policy.Get(ctx, s.Read().OwnerPolicy, policy.Domain, organizationID)
	if err != nil {
		return false, err
	}
	scope := ""
	if domains.UserLoginMustBeDomain {
		scope = organizationID
	}
	taken := user.And(user.NameScope(scope), user.NameKey(store.Key(name)))
	if email != "" {
		taken = user.Or(taken, user.EmailKey(store.Key(email)))
	}
	exists, err := s.Read().User.Query().Where(taken).Exist(ctx)
	return !exists && err == nil, err
}
