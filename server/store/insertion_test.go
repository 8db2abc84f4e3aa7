//go:build unix

package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/machinekey"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/usedassertion"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/store/across"
)

// tokenInsertion adds an access token of a user in an active organization: its
// hash and the primary key of the user are given.
func tokenInsertion(s *Store) *Insertion {
	return s.Insertion(accesstoken.Table, func(r *NewRow) {
		setToken(r)
		u := r.Refer(accesstoken.FieldUserPk, r.Given())
		o := r.Join(organization.Table, organization.FieldID, u.Of(user.FieldOrganizationPk))
		r.Where(entsql.EQ(u.C(user.FieldState), user.StateActive))
		r.Where(entsql.EQ(o.C(organization.FieldState), organization.StateActive))
	})
}

func setToken(r *NewRow) {
	r.Set(accesstoken.FieldHash, r.Given())
	r.Set(accesstoken.FieldTokenID, "t")
	r.Set(accesstoken.FieldCredential, "")
	r.Set(accesstoken.FieldScopes, []byte("[]"))
	r.Set(accesstoken.FieldAudience, []byte("[]"))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r.Set(accesstoken.FieldCreatedAt, at)
	r.Set(accesstoken.FieldExpiresAt, at)
}

func wantTokens(t *testing.T, s *Store, ctx context.Context, want int) {
	t.Helper()
	if n, err := s.Read().AccessToken.Query().Count(ctx); err != nil || n != want {
		t.Errorf("%d rows, %v; want %d", n, err, want)
	}
}

func TestInsertionAddsTheRow(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		add := tokenInsertion(s)
		if added, err := add.Add(own.ctx, []byte("h"), own.user.ID); err != nil || !added {
			t.Fatal(added, err)
		}
		row, err := s.Read().AccessToken.Query().Only(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if row.InstanceID != "one" || string(row.Hash) != "h" || row.UserPk == nil || *row.UserPk != own.user.ID ||
			row.ApplicationPk != nil || row.Scopes == nil || len(row.Scopes) != 0 || row.ExpiresAt.Year() != 2026 {
			t.Errorf("the row is %v", row)
		}
		wantTokens(t, s, other.ctx, 0)
		if _, err := add.Add(own.ctx, []byte("h"), own.user.ID); TakenColumn(err) != accesstoken.FieldHash {
			t.Errorf("an equal row: %v", err)
		}
		if added, err := add.Add(other.ctx, []byte("h"), other.user.ID); err != nil || !added {
			t.Error("an equal row of another instance:", added, err)
		}
	})
}

// A reference to a row of another instance is one to nothing.
func TestInsertionOfAnotherInstance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		add := tokenInsertion(s)
		for name, c := range map[string]struct {
			ctx context.Context
			key int64
		}{
			"a foreign user":      {own.ctx, other.user.ID},
			"no user":             {own.ctx, 1 << 40},
			"an unknown instance": {other.ctx, own.user.ID},
		} {
			if added, err := add.Add(c.ctx, []byte("h"), c.key); err != nil || added {
				t.Errorf("%s: %t, %v", name, added, err)
			}
		}
		for name, ctx := range map[string]context.Context{"no instance": t.Context(), "all instances": across.Instances(t.Context())} {
			if _, err := add.Add(ctx, []byte("h"), own.user.ID); !errors.Is(err, errNoInstance) {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantTokens(t, s, across.Instances(t.Context()), 0)
	})
}

func TestInsertionAsksForWhatIsActive(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		for name, change := range map[string]func(context.Context, *Tx, tenant) error{
			"user inactive": func(ctx context.Context, tx *Tx, own tenant) error {
				return tx.User.UpdateOne(own.user).SetState(user.StateInactive).Exec(ctx)
			},
			"organization inactive": func(ctx context.Context, tx *Tx, own tenant) error {
				return tx.Organization.UpdateOne(own.organization).SetState(organization.StateInactive).Exec(ctx)
			},
			"organization removed": func(ctx context.Context, tx *Tx, own tenant) error {
				return tx.Organization.UpdateOne(own.organization).SetState(organization.StateRemoved).Exec(ctx)
			},
			"instance removed": func(ctx context.Context, tx *Tx, own tenant) error {
				return tx.Instance.UpdateOne(own.instance).SetState("removed").Exec(ctx)
			},
		} {
			own := newTenant(t, s, name)
			add := tokenInsertion(s)
			if added, err := add.Add(own.ctx, []byte("1"), own.user.ID); err != nil || !added {
				t.Fatalf("%s, before: %t, %v", name, added, err)
			}
			write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
				_, err := tx.Record(ctx, UserMachineChanged, UserObject(own.user), Payload{})
				return errors.Join(err, change(ctx, tx, own))
			})
			if added, err := add.Add(own.ctx, []byte("2"), own.user.ID); err != nil || added {
				t.Errorf("%s: %t, %v", name, added, err)
			}
		}
	})
}

// A foreign key that is set by hand could point anywhere.
func TestInsertionRefusesAForeignKeyByHand(t *testing.T) {
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	defer func() {
		if recover() == nil {
			t.Error("it was taken")
		}
	}()
	s.Insertion(accesstoken.Table, func(r *NewRow) { r.Set(accesstoken.FieldUserPk, r.Given()) })
}

func TestInsertionMistakes(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		add := tokenInsertion(s)
		if _, err := add.Add(own.ctx, []byte("h")); err == nil {
			t.Error("a value is missing, and nobody says so")
		}
		err := s.Write(own.ctx, func(ctx context.Context, _ *Tx) error {
			_, err := add.Add(ctx, []byte("h"), own.user.ID)
			return err
		})
		if err == nil {
			t.Error("an insertion waits for the transaction that it is called in")
		}
		wantTokens(t, s, own.ctx, 0)
	})
}

// Waiting ends with the caller, and so does everything with its deadline.
func TestInsertionEndsWithItsCaller(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		add := tokenInsertion(s)
		gone, hangUp := context.WithCancel(own.ctx)
		hangUp()
		late, cancel := context.WithDeadline(own.ctx, time.Now().Add(-time.Second))
		defer cancel()
		for range 20 { // a turn that is free must not win over a caller who left
			if added, err := add.Add(gone, []byte("h"), own.user.ID); err != context.Canceled || added {
				t.Fatalf("canceled: %t, %v", added, err)
			}
			if added, err := add.Add(late, []byte("h"), own.user.ID); !errors.Is(err, context.DeadlineExceeded) || added {
				t.Fatalf("too late: %t, %v", added, err)
			}
		}
		wantTokens(t, s, own.ctx, 0)
	})
}

// Who waits for the writer of SQLite, or for a connection to PostgreSQL, stops
// when the caller leaves.
func TestInsertionWaitsAsLongAsItsCaller(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		add := tokenInsertion(s)
		ctx, hangUp := context.WithCancel(own.ctx)
		defer hangUp()
		result := make(chan error, 1)
		if s.turn != nil {
			s.turn <- struct{}{}
			defer func() { <-s.turn }()
		} else {
			for range postgresConnections {
				conn, err := s.writeDB.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
		}
		before := s.writeDB.Stats().WaitCount
		go func() {
			_, err := add.Add(ctx, []byte("h"), own.user.ID)
			result <- err
		}()
		for s.turn == nil && s.writeDB.Stats().WaitCount == before {
			runtime.Gosched()
		}
		hangUp()
		if err := <-result; err != context.Canceled {
			t.Errorf("got %v", err)
		}
	})
}

// Another transaction has the row that the new one refers to: on PostgreSQL the
// statement waits for it until the deadline, and not for a caller who hangs up.
func TestInsertionWaitsForALockedRowUntilTheDeadline(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	add := tokenInsertion(s)
	other, err := s.writeDB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `SELECT 1 FROM users WHERE id = $1 FOR UPDATE`, own.user.ID); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(own.ctx, soon)
	defer cancel()
	if added, err := add.Add(ctx, []byte("h"), own.user.ID); !errors.Is(Fault(err), context.DeadlineExceeded) || added {
		t.Errorf("%t, %v", added, err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, s, own.ctx, 0)
	if added, err := add.Add(own.ctx, []byte("h"), own.user.ID); err != nil || !added {
		t.Errorf("the pool is spoilt: %t, %v", added, err)
	}
}

// What is taken away while the new row waits for it is not there any more.
func TestInsertionFindsWhatWasRemovedMeanwhile(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.Record(ctx, UserMachineKeyAdded, UserObject(own.user), Payload{})
		return errors.Join(err, tx.MachineKey.Create().SetKeyID("k").SetUser(own.user).SetPublicKey([]byte("k")).Exec(ctx))
	})
	add := s.Insertion(accesstoken.Table, func(r *NewRow) {
		setToken(r)
		u := r.Refer(accesstoken.FieldUserPk, r.Given())
		k := r.Join(machinekey.Table, machinekey.FieldKeyID, r.Given())
		r.Where(entsql.ColumnsEQ(k.C(machinekey.FieldUserPk), u.C(user.FieldID)))
		r.Keep(k)
	})
	if added, err := add.Add(own.ctx, []byte("1"), own.user.ID, "k"); err != nil || !added {
		t.Fatal(added, err)
	}
	result := make(chan bool, 1)
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.Lock(ctx, UserObject(own.user)); err != nil {
			return err
		}
		if _, err := tx.MachineKey.Delete().Exec(ctx); err != nil {
			return err
		}
		go func() {
			added, err := add.Add(own.ctx, []byte("2"), own.user.ID, "k")
			if err != nil {
				t.Error(err)
			}
			result <- added
		}()
		for waiting := false; !waiting; { // the other statement, for this transaction
			err := s.readDB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting)
			if err != nil {
				return err
			}
		}
		_, err := tx.Record(ctx, UserMachineKeyRemoved, UserObject(own.user), Payload{})
		return err
	})
	if <-result {
		t.Error("a row was added with what was removed")
	}
	wantTokens(t, s, own.ctx, 1)
}

// Of many equal rows at the same time one is added. It is renewed once it is
// over.
func TestInsertionOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		add := s.Insertion(usedassertion.Table, func(r *NewRow) {
			r.Set(usedassertion.FieldHash, r.Given())
			r.Set(usedassertion.FieldExpiresAt, r.Given())
			r.Renew(usedassertion.FieldExpiresAt, r.Given(), usedassertion.FieldInstanceID, usedassertion.FieldHash)
		})
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for round, now := range []time.Time{now, now.Add(time.Hour)} {
			var winners atomic.Int64
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					added, err := add.Add(own.ctx, []byte("h"), now.Add(time.Hour), now)
					if err != nil {
						t.Error(err)
					}
					if added {
						winners.Add(1)
					}
				})
			}
			all.Wait()
			if n := winners.Load(); n != 1 {
				t.Errorf("round %d: %d of 16 were added", round, n)
			}
		}
		if added, err := add.Add(other.ctx, []byte("h"), now.Add(time.Hour), now); err != nil || !added {
			t.Error("of another instance:", added, err)
		}
		row, err := s.Read().UsedAssertion.Query().Only(own.ctx)
		if err != nil || row.InstancePk != own.instance.ID || !row.ExpiresAt.Equal(now.Add(2*time.Hour)) {
			t.Errorf("the row is %v, %v", row, err)
		}
	})
}
