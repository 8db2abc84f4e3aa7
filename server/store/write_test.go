//go:build unix

package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
)

func TestWriteCommits(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		name, err := s.Read().Organization.Query().Select(organization.FieldName).String(own.ctx)
		if err != nil || name != "org of one" {
			t.Fatalf("got %q, %v", name, err)
		}
	})
}

func TestWriteRollsBack(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		refused := errors.New("refused")
		err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
			if err := addOrganization(ctx, tx, own, "second"); err != nil {
				return err
			}
			return refused
		})
		if err != refused {
			t.Fatalf("got %v, want the very error of the function", err)
		}
		wantOrganizations(t, s, own, 1)
	})
}

// A panic must not keep the turn to write, or the lock of a row.
func TestWriteRollsBackAPanic(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		func() {
			defer func() {
				if recover() != "mistake" {
					t.Error("the panic was swallowed")
				}
			}()
			_ = s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
				if err := addOrganization(ctx, tx, own, "second"); err != nil {
					return err
				}
				panic("mistake")
			})
		}()
		wantOrganizations(t, s, own, 1)
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "second") })
	})
}

func addOrganization(ctx context.Context, tx *Tx, own tenant, name string) error {
	row, err := newOrganization(tx, own.instance, name).Save(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Record(ctx, OrgAdded, OrganizationObject(row), Payload{})
	return err
}

func wantOrganizations(t *testing.T, s *Store, own tenant, want int) {
	t.Helper()
	if n, err := s.Read().Organization.Query().Count(own.ctx); err != nil || n != want {
		t.Fatalf("%d organizations, %v; want %d", n, err, want)
	}
}

func TestWriteRefusesWhatIsNotRecorded(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		token := func(ctx context.Context, tx *Tx) error {
			return tx.PersonalAccessToken.Create().SetTokenID("t").SetUser(own.user).SetHash([]byte("h")).SetScopes(nil).Exec(ctx)
		}
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.Record(ctx, UserPATAdded, UserObject(own.user), Payload{})
			return errors.Join(err, token(ctx, tx))
		})
		for name, test := range map[string]struct {
			change func(context.Context, *Tx) error
			want   error
		}{
			"create":      {func(ctx context.Context, tx *Tx) error { return newOrganization(tx, own.instance, "second").Exec(ctx) }, errUnrecorded},
			"update":      {func(ctx context.Context, tx *Tx) error { return tx.User.UpdateOne(own.user).SetUserName("x").Exec(ctx) }, errUnrecorded},
			"bulk update": {func(ctx context.Context, tx *Tx) error { return tx.User.Update().SetUserName("x").Exec(ctx) }, errUnrecorded},
			"delete": {func(ctx context.Context, tx *Tx) error {
				_, err := tx.PersonalAccessToken.Delete().Exec(ctx)
				return err
			}, errUnrecorded},
			"last use and more": {func(ctx context.Context, tx *Tx) error {
				return tx.PersonalAccessToken.Update().SetLastUsedAt(tx.Now()).SetSequence(7).Exec(ctx)
			}, errUnrecorded},
			"last use": {func(ctx context.Context, tx *Tx) error {
				return tx.PersonalAccessToken.Update().SetLastUsedAt(tx.Now()).Exec(ctx)
			}, nil},
			"an access token": {func(ctx context.Context, tx *Tx) error {
				return tx.AccessToken.Create().SetTokenID("t").SetAudience(nil).SetUser(own.user).SetHash([]byte("h")).SetScopes(nil).SetExpiresAt(tx.Now()).Exec(ctx)
			}, nil},
			"nothing": {func(context.Context, *Tx) error { return nil }, nil},
		} {
			t.Run(name, func(t *testing.T) {
				if err := s.Write(own.ctx, test.change); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		}
		wantOrganizations(t, s, own, 1)
		row, err := s.Read().User.Query().Only(own.ctx)
		if err != nil || row.UserName != own.user.UserName {
			t.Errorf("the user was changed: %v, %v", row, err)
		}
	})
}

func TestWriteRunsOnWithoutItsCaller(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		ctx, hangUp := context.WithCancel(own.ctx)
		write(t, s, ctx, func(ctx context.Context, tx *Tx) error {
			hangUp()
			return addOrganization(ctx, tx, own, "second")
		})
		wantOrganizations(t, s, own, 2)
		for range 20 { // a turn that is free must not win over a caller who left
			wantIs(t, s.Write(ctx, func(context.Context, *Tx) error { return nil }), context.Canceled)
		}
	})
}

func TestWriteRunsAgain(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		for code, want := range map[string]int{"40001": writeAttempts, "40P01": writeAttempts, "23505": 1} {
			attempts := 0
			err := s.Write(own.ctx, func(context.Context, *Tx) error {
				attempts++
				return &pq.Error{Code: pqerror.Code(code)}
			})
			if err == nil || attempts != want {
				t.Errorf("%s: %d attempts, %v; want %d", code, attempts, err, want)
			}
		}
		attempts := 0
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			if err := addOrganization(ctx, tx, own, "second"); err != nil {
				return err
			}
			if attempts++; attempts < 3 {
				return &pq.Error{Code: "40001"}
			}
			return nil
		})
		if attempts != 3 {
			t.Errorf("%d attempts, want 3", attempts)
		}
		wantOrganizations(t, s, own, 2)
	})
}

// Two transactions that lock two objects in opposite order: PostgreSQL ends
// one, which is run again.
func TestWriteSurvivesADeadlock(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	objects := []Object{UserObject(own.user), OrganizationObject(own.organization)}
	var both, writers sync.WaitGroup
	both.Add(len(objects))
	attempts := make([]int, len(objects))
	for i := range objects {
		writers.Go(func() {
			err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
				if err := tx.Lock(ctx, objects[i]); err != nil {
					return err
				}
				if attempts[i]++; attempts[i] == 1 {
					both.Done()
					both.Wait()
				}
				return tx.Lock(ctx, objects[1-i])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if sum := attempts[0] + attempts[1]; sum < 3 {
		t.Errorf("%d attempts, so nobody met a deadlock", sum)
	}
}

// The bubble of synctest tells when a writer waits for its turn.
func TestWritersTakeTurns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bastide.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{URL: file})
		own := newTenant(t, s, "one")
		holding, release := make(chan struct{}), make(chan struct{})
		var writers sync.WaitGroup
		writers.Go(func() {
			write(t, s, own.ctx, func(context.Context, *Tx) error {
				close(holding)
				<-release
				return nil
			})
		})
		<-holding
		var order []int
		for i := range 5 {
			writers.Go(func() {
				write(t, s, own.ctx, func(context.Context, *Tx) error {
					order = append(order, i)
					return nil
				})
			})
			synctest.Wait()
		}
		ctx, hangUp := context.WithCancel(own.ctx)
		left := make(chan error, 1)
		writers.Go(func() {
			left <- s.Write(ctx, func(context.Context, *Tx) error {
				t.Error("a writer ran whose caller had left")
				return nil
			})
		})
		synctest.Wait()
		hangUp()
		if err := <-left; err != context.Canceled {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		close(release)
		writers.Wait()
		for i, n := range order {
			if i != n {
				t.Fatalf("the writers ran in the order %v", order)
			}
		}
		if len(order) != 5 {
			t.Fatalf("the writers ran in the order %v", order)
		}
	})
}

func TestReadRefusesChanges(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		row, err := s.Read().User.Query().Only(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, deleted := s.Read().User.Delete().Exec(own.ctx)
		for name, err := range map[string]error{
			"create":   s.Read().WorkerLease.Create().SetHolder("x").SetUntil(1).Exec(own.ctx),
			"update":   s.Read().User.Update().SetUserName("x").Exec(own.ctx),
			"of a row": row.Update().SetUserName("x").Exec(own.ctx),
			"delete":   deleted,
		} {
			if err == nil || err.Error() != "store: a change outside Write" {
				t.Errorf("%s: got %v", name, err)
			}
		}
		inner, err := s.Read().Tx(own.ctx)
		if err != nil { // SQLite has nothing to write on this connection
			return
		}
		defer func() { _ = inner.Rollback() }()
		if err := inner.User.Update().SetUserName("x").Exec(own.ctx); err == nil {
			t.Error("a transaction beside Write could change a row")
		}
	})
}

// Whatever changes a signing key is recorded. Only Reseal is no change, which
// seals it anew.
func TestSigningKeyChangesAreRecorded(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		var key *ent.SigningKey
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) (err error) {
			if key, err = tx.SigningKey.Create().SetInstancePk(own.instance.ID).SetKeyID("k").SetAlgorithm("RS256").
				SetPrivateKey([]byte("k")).SetPublicKey([]byte("k")).Save(ctx); err != nil {
				return err
			}
			_, err = tx.Record(ctx, WebKeyAdded, WebKeyObject(key), Payload{})
			return err
		})
		for name, change := range map[string]func(*ent.SigningKeyUpdateOne) *ent.SigningKeyUpdateOne{
			"private key": func(u *ent.SigningKeyUpdateOne) *ent.SigningKeyUpdateOne { return u.SetPrivateKey([]byte("l")) },
			"state":       func(u *ent.SigningKeyUpdateOne) *ent.SigningKeyUpdateOne { return u.SetState("active") },
			"retired":     func(u *ent.SigningKeyUpdateOne) *ent.SigningKeyUpdateOne { return u.ClearRetiredAt() },
			"nothing":     func(u *ent.SigningKeyUpdateOne) *ent.SigningKeyUpdateOne { return u },
		} {
			err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error { return change(tx.SigningKey.UpdateOne(key)).Exec(ctx) })
			if err != errUnrecorded {
				t.Errorf("%s: the error is %v", name, err)
			}
		}
		now, err := s.Read().SigningKey.Query().Only(own.ctx)
		if err != nil || string(now.PrivateKey) != "k" || now.State != "initial" || !now.ChangedAt.Equal(key.ChangedAt) || now.Sequence != 1 {
			t.Errorf("the key is %v, the error %v", now, err)
		}
	})
}
