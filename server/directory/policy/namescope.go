package policy

import (
	"context"
	"strings"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/ownerpolicy"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// NameScope returns where the name of a new user of an organization has to be
// unique: in the organization if that is returned, in the instance if nothing
// is. It stays so until the transaction ends.
func NameScope(ctx context.Context, tx *store.Tx, organizationID string) (string, error) {
	if err := tx.HoldShared(ctx, store.LoginNames); err != nil {
		return "", err
	}
	values, err := Get(ctx, tx.OwnerPolicy, Domain, organizationID)
	if err != nil || !values.UserLoginMustBeDomain {
		return "", err
	}
	return organizationID, nil
}

// holdLoginNames waits for those who make users.
func holdLoginNames(ctx context.Context, tx *store.Tx) error {
	return tx.Hold(ctx, store.LoginNames)
}

// scopeNames makes the names of all users that the owner of a domain policy
// decides on unique where the values say. It returns fault.LoginNamesClash with
// the first names that more than one user of the instance would have. Users of
// removed organizations stay as they are: they are nobody's concern.
func scopeNames(ctx context.Context, tx *store.Tx, of owner, values DomainValues) error {
	concerned := concernedBy(ctx, of)
	if !values.UserLoginMustBeDomain {
		if err := checkClash(ctx, tx, concerned); err != nil {
			return err
		}
		if err := freeNames(ctx, tx, concerned); err != nil {
			return err
		}
	}
	living := user.Not(store.OfRemoved(caller.InstanceOf(ctx).ID))
	update := tx.User.Update()
	if values.UserLoginMustBeDomain {
		update.Where(concerned, living, user.NameScope("")).Modify(toOwnScope)
	} else {
		update.Where(concerned, living, user.NameScopeNEQ("")).SetNameScope("")
	}
	return update.Modify(leaveTime).Exec(ctx)
}

// freeNames takes the names that those concerned are to have in the instance
// from users of removed organizations, who were not erased yet: these keep them
// in their organization only.
func freeNames(ctx context.Context, tx *store.Tx, concerned predicate.User) error {
	instanceID := caller.InstanceOf(ctx).ID
	wanted := func(s *sql.Selector) {
		named := sql.Table(user.Table).As("named")
		q := sql.Dialect(s.Dialect()).Select(named.C(user.FieldNameKey)).From(named)
		q.Where(sql.EQ(named.C(user.FieldInstanceID), instanceID))
		user.And(concerned, user.NameScopeNEQ(""), user.Not(store.OfRemoved(instanceID)))(q)
		s.Where(sql.In(s.C(user.FieldNameKey), q))
	}
	return tx.User.Update().Where(user.NameScope(""), store.OfRemoved(instanceID), wanted).
		Modify(toOwnScope).Modify(leaveTime).Exec(ctx)
}

// toOwnScope makes names unique in the organization of each user.
func toOwnScope(u *sql.UpdateBuilder) {
	u.Set(user.FieldNameScope, sql.ExprFunc(func(b *sql.Builder) { b.Ident(user.FieldResourceOwner) }))
}

// leaveTime leaves when a user was changed as it was: it is the policy that
// changed, and no change of the user is counted.
func leaveTime(u *sql.UpdateBuilder) {
	u.Set(user.FieldChangedAt, sql.ExprFunc(func(b *sql.Builder) { b.Ident(user.FieldChangedAt) }))
}

// concernedBy returns the condition of users that the owner of a domain policy
// decides on: for the instance those of organizations without one of their own.
func concernedBy(ctx context.Context, of owner) predicate.User {
	if of.organization != nil {
		return user.OrganizationPk(of.organization.ID)
	}
	instanceID := caller.InstanceOf(ctx).ID
	return func(s *sql.Selector) {
		policies := sql.Dialect(s.Dialect()).Select(ownerpolicy.FieldOwnerID).From(sql.Table(ownerpolicy.Table)).
			Where(sql.And(sql.EQ(ownerpolicy.FieldInstanceID, instanceID), sql.EQ(ownerpolicy.FieldKind, domainKind)))
		s.Where(sql.NotIn(s.C(user.FieldResourceOwner), policies))
	}
}

// mostNames is how many names a refusal tells.
const mostNames = 5

// checkClash returns fault.LoginNamesClash if two users had one name once that
// of those concerned was to be unique in the instance.
func checkClash(ctx context.Context, tx *store.Tx, concerned predicate.User) error {
	var found []struct {
		NameKey  []byte `json:"name_key"`
		UserName string `json:"user_name"`
	}
	err := tx.User.Query().Where(user.Or(user.NameScope(""), concerned)).GroupBy(user.FieldNameKey).
		Aggregate(func(s *sql.Selector) string {
			s.Having(sql.GT(sql.Count("*"), 1)).OrderBy(s.C(user.FieldNameKey)).Limit(mostNames)
			return ent.As(ent.Min(user.FieldUserName), user.FieldUserName)(s)
		}).Scan(ctx, &found)
	if err != nil || len(found) == 0 {
		return err
	}
	names := make([]string, len(found))
	for i, row := range found {
		names[i] = row.UserName
	}
	return fault.LoginNamesClash.With(strings.Join(names, ", "))
}
