package store

import (
	"context"
	"database/sql"
	"errors"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/server/store/across"
)

// Lookup is a query for one row that runs on the way of every call. Its text
// is built once: ent would build the same text anew each time, which costs more
// than the database needs to answer.
type Lookup struct {
	store *Store
	text  string
	args  []any
}

// placeholder stands in a query for a value that each run brings.
type placeholder int

const (
	// Given is a value of Row, in their order.
	Given placeholder = iota
	// ownInstance is the instance of the context.
	ownInstance
)

// Lookup returns the query that build makes on a table of an instance, confined
// to the instance of the context that it runs with.
func (s *Store) Lookup(table string, build func(*entsql.Selector)) *Lookup {
	selector := entsql.Dialect(s.dialect).Select().From(entsql.Table(table))
	build(selector)
	selector.Where(entsql.EQ(selector.C(instanceColumn), ownInstance))
	return s.lookup(selector)
}

func (s *Store) lookup(selector *entsql.Selector) *Lookup {
	text, args := selector.Query()
	return &Lookup{store: s, text: text, args: args}
}

// Row runs the query with the given values and puts the columns of the row into
// the places. found is false if there is none.
func (l *Lookup) Row(ctx context.Context, given []any, places ...any) (found bool, err error) {
	args := make([]any, len(l.args))
	for i, arg := range l.args {
		switch arg {
		case Given:
			args[i], given = given[0], given[1:]
		case ownInstance:
			if args[i], err = scope(ctx); err != nil {
				return false, err
			}
		default:
			args[i] = arg
		}
	}
	err = l.store.readDB.QueryRowContext(ctx, l.text, args...).Scan(places...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// InstanceOnHost returns the id of the instance that owns a host name, empty if
// none does. It looks at all instances, for which ctx has to come from
// across.Instances.
func (s *Store) InstanceOnHost(ctx context.Context, host string) (id string, err error) {
	if !across.Is(ctx) {
		return "", errNoInstance
	}
	_, err = s.hosts.Row(ctx, []any{host}, &id)
	return id, err
}

// hostLookup is the query of InstanceOnHost.
func (s *Store) hostLookup() *Lookup {
	domains := entsql.Table(instancedomain.Table)
	return s.lookup(entsql.Dialect(s.dialect).Select(domains.C(instancedomain.FieldInstanceID)).From(domains).
		Where(entsql.EQ(domains.C(instancedomain.FieldDomain), Given)))
}
