package store

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/intercept"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/personaldata"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
)

// An organization or an instance is removed by its state: one short
// transaction, after which nothing of it is seen. Its rows stay until they are
// erased, so every query leaves them out. What lies below users and projects is
// reached through these only, and needs no condition of its own.

// removedState is a literal in the statements: an index of what is removed
// cannot be used for a value that comes later.
const removedState = " = 'removed'"

type removedKey struct{}

// withRemoved returns a context whose queries see what was removed, too.
func withRemoved(ctx context.Context) context.Context {
	return context.WithValue(ctx, removedKey{}, true)
}

// hideRemoved leaves out of a query, confined to an instance or to none, what
// was removed.
func hideRemoved(ctx context.Context, q intercept.Query, instanceID string) {
	if seen, _ := ctx.Value(removedKey{}).(bool); seen {
		return
	}
	gone := removedIn(instanceID)
	switch q.Type() {
	case ent.TypeInstance, ent.TypeOrganization:
		q.WhereP(sql.FieldNEQ(organization.FieldState, organization.StateRemoved)) // the same of both
	case ent.TypeUser, ent.TypeOrganizationDomain, ent.TypeOrganizationMetadata, ent.TypeProject:
		q.WhereP(gone.notOwning(user.FieldOrganizationPk)) // the same of all
	case ent.TypeMembership:
		q.WhereP(
			sql.OrPredicates(sql.FieldIsNull(membership.FieldOrganizationPk), gone.notOwning(membership.FieldOrganizationPk)),
			gone.notBehind(membership.FieldUserPk, user.Table, user.FieldID),
		)
	case ent.TypeUserGrant:
		q.WhereP(
			gone.notOwning(usergrant.FieldOrganizationPk),
			gone.notBehind(usergrant.FieldUserPk, user.Table, user.FieldID),
			gone.notBehind(usergrant.FieldProjectPk, project.Table, project.FieldID),
		)
	case ent.TypePersonalData:
		q.WhereP(gone.notBehind(personaldata.FieldUserID, user.Table, user.FieldUserID))
	}
}

// removedIn has the conditions on the removed organizations of an instance, or
// of all if it is empty.
type removedIn string

// organizations returns the query of the removed organizations.
func (in removedIn) organizations(outer *sql.Selector) (*sql.Selector, *sql.SelectTable) {
	o := sql.Table(organization.Table)
	q := sql.Dialect(outer.Dialect()).Select(o.C(organization.FieldID)).From(o).Where(sql.P(func(b *sql.Builder) {
		b.Ident(o.C(organization.FieldState)).WriteString(removedState)
	}))
	if in != "" {
		q.Where(sql.EQ(o.C(organization.FieldInstanceID), string(in)))
	}
	return q, o
}

// notOwning is the condition that the organization that a column points at was
// not removed.
func (in removedIn) notOwning(column string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		q, _ := in.organizations(s)
		s.Where(sql.NotIn(s.C(column), q))
	}
}

// OfRemoved returns the condition that a user is of a removed organization of
// the instance. Queries leave such users out anyway, changes do not.
func OfRemoved(instanceID string) predicate.User {
	return func(s *sql.Selector) {
		q, _ := removedIn(instanceID).organizations(s)
		s.Where(sql.In(s.C(user.FieldOrganizationPk), q))
	}
}

// notBehind is the condition that the row of a table, which a column points at,
// is not of a removed organization. One row after the other is looked up: a
// removed organization may have very many of them.
func (in removedIn) notBehind(column, table, key string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		q, o := in.organizations(s)
		t := sql.Table(table)
		q.Join(t).On(t.C(user.FieldOrganizationPk), o.C(organization.FieldID))
		q.Where(sql.And(
			sql.ColumnsEQ(t.C(key), s.C(column)),
			sql.ColumnsEQ(t.C(instanceColumn), s.C(instanceColumn)),
		))
		s.Where(sql.NotExists(q))
	}
}

// stillThere is the end of a statement on one row of a table that was not
// removed.
func stillThere(table string) string {
	if table == instance.Table || table == organization.Table {
		return ` AND state <> 'removed'`
	}
	return ""
}
