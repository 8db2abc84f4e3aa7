//go:build unix

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/entc/load"

	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store/across"
)

// What the schema marks as sealed is sealed anew when the master key is rotated,
// and nothing else is.
func TestSealedColumnsAreThoseOfTheSchema(t *testing.T) {
	schemas, err := (&load.Config{Path: "../../ent/schema"}).Load()
	if err != nil {
		t.Fatal(err)
	}
	var marked, known []string
	for _, schema := range schemas.Schemas {
		for _, field := range schema.Fields {
			if _, is := field.Annotations["Sealed"]; is {
				marked = append(marked, tables[schema.Name]+"."+field.Name)
			}
		}
	}
	for _, c := range sealed {
		known = append(known, c.table+"."+c.column)
	}
	slices.Sort(marked)
	slices.Sort(known)
	if len(marked) == 0 || !slices.Equal(marked, known) {
		t.Errorf("the schema marks %v, and %v are known", marked, known)
	}
}

// install makes the database go by a key.
func install(t *testing.T, s *Store, fingerprint []byte) {
	t.Helper()
	write(t, s, t.Context(), func(ctx context.Context, tx *Tx) error {
		return tx.Installation.Create().SetID(1).SetCreatedAt(tx.Now()).SetMasterKeyFingerprint(fingerprint).SetSystemPublicKey([]byte("x")).Exec(ctx)
	})
}

// underOf returns what the database goes by.
func underOf(t *testing.T, s *Store) (under []byte) {
	t.Helper()
	write(t, s, t.Context(), func(ctx context.Context, tx *Tx) (err error) {
		under, err = tx.SealedUnder(ctx)
		return err
	})
	return under
}

// addSigningKeys adds keys whose sealed half tells what it is bound to.
func addSigningKeys(t *testing.T, s *Store, own tenant, n int) {
	t.Helper()
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
		for i := range n {
			id := fmt.Sprint("key ", i)
			err := tx.SigningKey.Create().SetKeyID(id).SetTenant(own.instance).SetAlgorithm("RS256").SetPublicKey([]byte("p")).
				SetPrivateKey([]byte("old " + SealedSigningKey.BoundTo(own.instance.InstanceID, id))).Exec(ctx)
			if err != nil {
				return err
			}
		}
		_, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{})
		return err
	})
}

// asNew turns what addSigningKeys wrote into what it is under another key.
func asNew(value []byte, boundTo string) ([]byte, error) {
	if string(value) != "old "+boundTo {
		return nil, fmt.Errorf("%q is bound to %q", value, boundTo)
	}
	return []byte("new " + boundTo), nil
}

// countSealed counts the values of each beginning, old and new.
func countSealed(t *testing.T, s *Store) map[string]int {
	t.Helper()
	rows, err := s.Read().SigningKey.Query().Select(signingkey.FieldPrivateKey).All(across.Instances(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, row := range rows {
		count[string(row.PrivateKey[:3])]++
	}
	return count
}

var keyOne, keyTwo = []byte("fingerprint of one"), []byte("fingerprint of two")

// Everything is sealed anew in all instances, or nothing is.
func TestReseal(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		if under := underOf(t, s); under != nil {
			t.Errorf("before the first run the database goes by %q", under)
		}
		install(t, s, keyOne)
		const one, two = 2*resealPage + 1, 3
		addSigningKeys(t, s, newTenant(t, s, "one"), one)
		addSigningKeys(t, s, newTenant(t, s, "two"), two)
		reseal := func(ctx context.Context, from, to []byte, seal func([]byte, string) ([]byte, error)) (n int, err error) {
			err = s.Write(ctx, func(ctx context.Context, tx *Tx) error {
				n, err = tx.Reseal(ctx, from, to, seal)
				return err
			})
			return n, err
		}
		all := across.Instances(t.Context())
		unchanged := func() {
			t.Helper()
			if got := countSealed(t, s); got["old"] != one+two || !bytes.Equal(underOf(t, s), keyOne) {
				t.Errorf("of a rotation that failed there is left %v, under %q", got, underOf(t, s))
			}
		}
		_, err := reseal(caller.InInstance(t.Context(), "one"), keyOne, keyTwo, asNew)
		wantIs(t, err, errNoInstance)
		_, err = reseal(all, keyTwo, keyOne, asNew)
		wantIs(t, err, ErrMasterKeyChanged)
		unchanged()
		broken, calls := errors.New("broken"), 0
		_, err = reseal(all, keyOne, keyTwo, func(value []byte, boundTo string) ([]byte, error) {
			if calls++; calls == one {
				return nil, broken
			}
			return asNew(value, boundTo)
		})
		wantIs(t, err, broken)
		unchanged()
		if n, err := reseal(all, keyOne, keyTwo, asNew); err != nil || n != one+two {
			t.Errorf("%d were sealed anew, the error is %v", n, err)
		}
		if got := countSealed(t, s); got["new"] != one+two || got["old"] != 0 || !bytes.Equal(underOf(t, s), keyTwo) {
			t.Errorf("after the rotation there is %v, under %q", got, underOf(t, s))
		}
	})
}

// Who seals a value holds the key until the transaction ends, and who comes
// later seals under the next one: no value is left under the former.
func TestResealBesideWriters(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		install(t, s, keyOne)
		own := newTenant(t, s, "one")
		// add writes a value under what the database goes by, held until go on.
		add := func(id string, asked func(), goOn <-chan struct{}) error {
			return s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
				under, err := tx.SealedUnder(ctx)
				if err != nil {
					return err
				}
				asked()
				<-goOn
				prefix := "old "
				if bytes.Equal(under, keyTwo) {
					prefix = "new "
				}
				row, err := tx.SigningKey.Create().SetKeyID(id).SetTenant(own.instance).SetAlgorithm("RS256").SetPublicKey([]byte("p")).
					SetPrivateKey([]byte(prefix + SealedSigningKey.BoundTo("one", id))).Save(ctx)
				if err == nil {
					_, err = tx.Record(ctx, WebKeyAdded, WebKeyObject(row), Payload{})
				}
				return err
			})
		}
		first, goOn := make(chan struct{}), make(chan struct{})
		results := make(chan error, 3)
		go func() { results <- add("first", func() { close(first) }, goOn) }()
		<-first
		sealing, sealed := make(chan struct{}), make(chan struct{})
		go func() {
			results <- s.Write(across.Instances(t.Context()), func(ctx context.Context, tx *Tx) error {
				_, err := tx.Reseal(ctx, keyOne, keyTwo, func(value []byte, boundTo string) ([]byte, error) {
					close(sealing)
					<-sealed
					return asNew(value, boundTo)
				})
				return err
			})
		}()
		waitUntilBlocked(t, s)
		close(goOn)
		if err := <-results; err != nil { // else there is nothing to seal
			t.Fatal(err)
		}
		<-sealing
		go func() { results <- add("second", func() {}, goOn) }()
		waitUntilBlocked(t, s)
		if got := countSealed(t, s); got["old"] != 1 { // reads go on
			t.Errorf("before the rotation commits others read %v", got)
		}
		close(sealed)
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if got := countSealed(t, s); got["new"] != 2 || got["old"] != 0 {
			t.Errorf("there is %v", got)
		}
	})
}

// waitUntilBlocked returns once a transaction waits for another. The writers of
// SQLite take turns anyway.
func waitUntilBlocked(t *testing.T, s *Store) {
	t.Helper()
	if s.dialect == dialect.SQLite {
		return
	}
	for end := time.Now().Add(20 * time.Second); ; {
		var n int
		if err := s.readDB.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("nobody waits")
		}
	}
}
