package organization

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Admin is who looks after a new organization.
type Admin struct {
	// UserID is that of a user of the instance; empty where New is set.
	UserID string
	// New is a user to be added to the organization.
	New *user.Prepared
	// Codes are the hashes of the codes that a new user is given.
	Codes map[user.CodeKind][]byte
	// Metadata is kept with a new user.
	Metadata []metadata.Value
	// Roles are those of the organization; ORG_OWNER if there are none.
	Roles []string
}

// Join makes the admin a member of the organization, and returns the user. It
// returns fault.UserUnknown, fault.MemberExists, what membership.CheckRoles
// returns for the field "roles", and what saving a new user returns.
func (a Admin) Join(ctx context.Context, tx *store.Tx, to *ent.Organization) (u *ent.User, change store.Change, err error) {
	roles := a.Roles
	if len(roles) == 0 {
		roles = []string{"ORG_OWNER"}
	}
	on := membership.OnOrganization(to)
	if roles, err = membership.CheckRoles(ctx, on, roles); err != nil {
		return nil, change, err
	}
	if a.New != nil {
		u, err = a.save(ctx, tx, to)
	} else {
		u, err = user.Get(ctx, tx.User, a.UserID)
	}
	if err != nil {
		return nil, change, err
	}
	change, err = membership.Add(ctx, tx, on, u, roles)
	return u, change, err
}

// save adds the new user with its codes and metadata.
func (a Admin) save(ctx context.Context, tx *store.Tx, to *ent.Organization) (*ent.User, error) {
	u, _, err := a.New.Save(ctx, tx, to)
	if err != nil {
		return nil, err
	}
	for _, kind := range []user.CodeKind{user.EmailCode, user.PhoneCode} {
		if hash := a.Codes[kind]; hash != nil {
			if _, err := user.SaveCode(ctx, tx, u, kind, hash); err != nil {
				return nil, err
			}
		}
	}
	if len(a.Metadata) > 0 {
		if _, err := metadata.Set(ctx, tx, metadata.OnUser(u), a.Metadata...); err != nil {
			return nil, err
		}
	}
	return u, nil
}
