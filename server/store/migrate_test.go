//go:build unix

package store

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest/postgres"
)

// eachOld runs a test with the URL of a database of each kind at a version of
// the schema, after fill has written to it.
func eachOld(t *testing.T, version int64, fill func(exec func(statement string, args ...any)), test func(t *testing.T, url string)) {
	t.Helper()
	run := func(t *testing.T, url string) {
		s, err := connect(t.Context(), Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		provider, err := s.migrations()
		if err == nil {
			_, err = provider.UpTo(t.Context(), version)
		}
		if err != nil {
			t.Fatal(err)
		}
		fill(func(statement string, args ...any) {
			t.Helper()
			if _, err := s.writeDB.ExecContext(t.Context(), s.rebind(statement), args...); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		})
		if err := s.closePools(); err != nil {
			t.Fatal(err)
		}
		test(t, url)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, filepath.Join(t.TempDir(), "bastide.db")) })
	t.Run("postgres", func(t *testing.T) { run(t, emptyPostgres(t)) })
}

// emptyPostgres returns the URL of a PostgreSQL database of its own without a
// schema.
func emptyPostgres(t *testing.T) string {
	t.Helper()
	server, err := postgres.Shared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := "store_" + strconv.FormatInt(databases.Add(1), 10)
	url, err := server.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return url
}

// Keys that were there before they had states go on as what they were, and sign
// for their time from when they were made. Access tokens whose audience nobody
// knows are gone; what lasts longer than half a day stays.
func TestMigrationOfTokensAndKeys(t *testing.T) {
	const before = 20261121120500
	made := time.Date(2026, 11, 20, 8, 30, 0, 123456000, time.UTC)
	none := []byte{}
	fill := func(exec func(string, ...any)) {
		for i, id := range []string{"one", "two"} {
			exec(`INSERT INTO instances (id, instance_id, created_at, changed_at, name, name_key, default_language)
				VALUES (?, ?, ?, ?, 'n', ?, 'en')`, i+1, id, made, made, none)
			exec(`INSERT INTO organizations (id, instance_id, created_at, changed_at, organization_id, name, name_key, instance_pk)
				VALUES (?, ?, ?, ?, 'o', 'n', ?, ?)`, i+1, id, made, made, none, i+1)
			exec(`INSERT INTO users (id, instance_id, created_at, changed_at, user_id, resource_owner, type, user_name, name_key,
				first_name_key, last_name_key, nick_name_key, display_name_key, email_key, organization_pk)
				VALUES (?, ?, ?, ?, 'u', 'o', 'machine', 'n', ?, ?, ?, ?, ?, ?, ?)`,
				i+1, id, made, made, none, none, none, none, none, none, i+1)
			exec(`INSERT INTO access_tokens (instance_id, hash, scopes, created_at, expires_at, user_pk)
				VALUES (?, ?, '["openid"]', ?, ?, ?)`, id, []byte("hash"), made, made.Add(12*time.Hour), i+1)
			exec(`INSERT INTO personal_access_tokens (instance_id, created_at, changed_at, token_id, hash, scopes, user_pk)
				VALUES (?, ?, ?, 't', ?, '[]', ?)`, id, made, made, []byte("hash"), i+1)
			for key, active := range map[string]bool{"former": false, "current": true} {
				exec(`INSERT INTO signing_keys (instance_id, key_id, private_key, public_key, active, created_at, instance_pk)
					VALUES (?, ?, ?, ?, ?, ?, ?)`, id, key, []byte("sealed "+key), []byte("public "+key), active, made, i+1)
			}
		}
	}
	eachOld(t, before, fill, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		for i, id := range []string{"one", "two"} {
			ctx := caller.InInstance(t.Context(), id)
			if n, err := s.Read().AccessToken.Query().Count(ctx); err != nil || n != 0 {
				t.Errorf("%d access tokens, %v", n, err)
			}
			if n, err := s.Read().PersonalAccessToken.Query().Count(ctx); err != nil || n != 1 {
				t.Errorf("%d personal access tokens, %v", n, err)
			}
			for key, state := range map[string]signingkey.State{"former": signingkey.StateInactive, "current": signingkey.StateActive} {
				k, err := s.Read().SigningKey.Query().Where(signingkey.KeyID(key)).Only(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if k.State != state || k.Algorithm != "RS256" || k.InstancePk != int64(i+1) || k.Sequence != 0 ||
					string(k.PrivateKey) != "sealed "+key || string(k.PublicKey) != "public "+key {
					t.Errorf("the %s key is %+v", key, k)
				}
				retired := k.RetiredAt != nil && k.RetiredAt.Equal(made)
				if !k.CreatedAt.Equal(made) || !k.ChangedAt.Equal(made) || k.ActivatesAt != nil || k.ActivatedAt == nil || !k.ActivatedAt.Equal(made) ||
					retired != (key == "former") || (k.RetiredAt == nil) != (key == "current") {
					t.Errorf("the times of the %s key: %+v", key, k)
				}
			}
		}
	})
}

// The database itself holds that one key of an instance signs.
func TestOneSigningKeyIsActive(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		add := func(i tenant, keyID string, state signingkey.State) error {
			_, err := s.writeDB.ExecContext(t.Context(), s.rebind(`INSERT INTO signing_keys
				(instance_id, created_at, changed_at, key_id, algorithm, private_key, public_key, state, instance_pk)
				VALUES (?, ?, ?, ?, 'RS256', ?, ?, ?, ?)`),
				i.instance.InstanceID, s.Now(), s.Now(), keyID, []byte{}, []byte{}, state, i.instance.ID)
			return err
		}
		one, two := newTenant(t, s, "one"), newTenant(t, s, "two")
		for _, err := range []error{
			add(one, "1", signingkey.StateActive), add(two, "1", signingkey.StateActive),
			add(one, "2", signingkey.StateInitial), add(one, "3", signingkey.StateInitial),
			add(one, "4", signingkey.StateInactive), add(one, "5", signingkey.StateInactive),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := add(one, "6", signingkey.StateActive); err == nil {
			t.Error("two keys of an instance are active")
		}
	})
}
