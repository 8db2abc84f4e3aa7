package metadata

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organizationmetadata"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/usermetadata"
	"github.com/bastide-id/bastide/server/store"
)

// table has the entries of one user or organization.
type table interface {
	find(ctx context.Context, client *ent.Client, keys []string) ([]Entry, error)
	list(ctx context.Context, s *store.Store, page store.Page, conditions []Condition) ([]Entry, uint64, error)
	create(ctx context.Context, tx *store.Tx, key string, value []byte, sequence int64) error
	update(ctx context.Context, tx *store.Tx, primaryKey int64, value []byte, sequence int64) error
	remove(ctx context.Context, tx *store.Tx, primaryKeys []int64) error
}

// userTable has the entries of the user with the primary key.
type userTable int64

func (t userTable) query(client *ent.Client) *ent.UserMetadataQuery {
	return client.UserMetadata.Query().Where(usermetadata.UserPk(int64(t)))
}

func (t userTable) find(ctx context.Context, client *ent.Client, keys []string) ([]Entry, error) {
	rows, err := t.query(client).Where(usermetadata.KeyIn(keys...)).All(ctx)
	return entries(rows, ofUser), err
}

func (t userTable) list(ctx context.Context, s *store.Store, page store.Page, conditions []Condition) ([]Entry, uint64, error) {
	q := t.query(s.Read())
	for _, c := range conditions {
		q.Where(predicate.UserMetadata(c))
	}
	rows, total, err := store.List(ctx, s, q, page, usermetadata.ByCreatedAt, usermetadata.ByID)
	return entries(rows, ofUser), total, err
}

func (t userTable) create(ctx context.Context, tx *store.Tx, key string, value []byte, sequence int64) error {
	return tx.UserMetadata.Create().SetUserPk(int64(t)).
		SetKey(key).SetKeyKey(store.Key(key)).SetContent(value).SetSequence(sequence).Exec(ctx)
}

func (t userTable) update(ctx context.Context, tx *store.Tx, primaryKey int64, value []byte, sequence int64) error {
	return tx.UserMetadata.UpdateOneID(primaryKey).SetContent(value).SetSequence(sequence).Exec(ctx)
}

func (t userTable) remove(ctx context.Context, tx *store.Tx, primaryKeys []int64) error {
	_, err := tx.UserMetadata.Delete().Where(usermetadata.IDIn(primaryKeys...)).Exec(ctx)
	return err
}

func ofUser(row *ent.UserMetadata) Entry {
	return Entry{
		Key: row.Key, Value: row.Content, Sequence: row.Sequence, CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt,
		primaryKey: row.ID,
	}
}

// organizationTable has the entries of the organization with the primary key.
type organizationTable int64

func (t organizationTable) query(client *ent.Client) *ent.OrganizationMetadataQuery {
	return client.OrganizationMetadata.Query().Where(organizationmetadata.OrganizationPk(int64(t)))
}

func (t organizationTable) find(ctx context.Context, client *ent.Client, keys []string) ([]Entry, error) {
	rows, err := t.query(client).Where(organizationmetadata.KeyIn(keys...)).All(ctx)
	return entries(rows, ofOrganization), err
}

func (t organizationTable) list(ctx context.Context, s *store.Store, page store.Page, conditions []Condition) ([]Entry, uint64, error) {
	q := t.query(s.Read())
	for _, c := range conditions {
		q.Where(predicate.OrganizationMetadata(c))
	}
	rows, total, err := store.List(ctx, s, q, page, organizationmetadata.ByCreatedAt, organizationmetadata.ByID)
	return entries(rows, ofOrganization), total, err
}

func (t organizationTable) create(ctx context.Context, tx *store.Tx, key string, value []byte, sequence int64) error {
	return tx.OrganizationMetadata.Create().SetOrganizationPk(int64(t)).
		SetKey(key).SetKeyKey(store.Key(key)).SetContent(value).SetSequence(sequence).Exec(ctx)
}

func (t organizationTable) update(ctx context.Context, tx *store.Tx, primaryKey int64, value []byte, sequence int64) error {
	return tx.OrganizationMetadata.UpdateOneID(primaryKey).SetContent(value).SetSequence(sequence).Exec(ctx)
}

func (t organizationTable) remove(ctx context.Context, tx *store.Tx, primaryKeys []int64) error {
	_, err := tx.OrganizationMetadata.Delete().Where(organizationmetadata.IDIn(primaryKeys...)).Exec(ctx)
	return err
}

func ofOrganization(row *ent.OrganizationMetadata) Entry {
	return Entry{
		Key: row.Key, Value: row.Content, Sequence: row.Sequence, CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt,
		primaryKey: row.ID,
	}
}

func entries[R any](rows []R, of func(R) Entry) []Entry {
	all := make([]Entry, len(rows))
	for i, row := range rows {
		all[i] = of(row)
	}
	return all
}
