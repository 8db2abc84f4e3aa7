package token_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// Callers at once make one key, and each instance has its own.
func TestSigningKeyOnce(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, foreign := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		if keys, err := d.Tokens.PublicKeys(ctx); err != nil || len(keys.Keys) != 0 || keys.Keys == nil {
			t.Errorf("before the first ID token the keys are %v, the error %v", keys, err)
		}
		tokens, err := token.New(token.Options{Store: d.Store, MasterKey: d.MasterKey, KeyPairs: 8})
		if err != nil {
			t.Fatal(err)
		}
		if err := tokens.MakeKeyPairs(); err != nil { // else making them would put the callers in a row
			t.Fatal(err)
		}
		var all sync.WaitGroup
		signed := make([]string, 8)
		for i := range signed {
			all.Go(func() {
				var err error
				if signed[i], err = tokens.IDToken(ctx, u.UserID, here, u.UserID, nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		keys, err := d.Tokens.PublicKeys(ctx)
		if err != nil || len(keys.Keys) != 1 {
			t.Fatalf("the keys are %v, the error %v", keys, err)
		}
		if _, err := d.Tokens.IDToken(elsewhere, d.Machine(t, elsewhere, foreign).UserID, here, "x", nil); err != nil {
			t.Fatal(err)
		}
		others, err := d.Tokens.PublicKeys(elsewhere)
		if err != nil || len(others.Keys) != 1 || others.Keys[0].KeyID == keys.Keys[0].KeyID {
			t.Errorf("the keys of another instance are %v, the error %v", others, err)
		}
		for _, text := range signed {
			checkIDToken(t, d, text, keys, u)
		}
	})
}

// Who comes while another transaction makes the key waits for it, and takes it.
func TestSigningKeyMadeMeanwhile(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, foreign := d.Instance(t, here)
		if _, err := d.Tokens.IDToken(elsewhere, d.Machine(t, elsewhere, foreign).UserID, here, "", nil); err != nil {
			t.Fatal(err)
		}
		foreignKey, err := d.Store.Read().SigningKey.Query().Only(elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		u := d.Machine(t, ctx, o)
		done := make(chan struct{})
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			i, err := tx.Instance.Query().Only(ctx)
			if err != nil {
				return err
			}
			if err := tx.Lock(ctx, store.InstanceObject(i)); err != nil {
				return err
			}
			err = saveActive(ctx, tx, i, foreignKey, "1")
			go func() {
				defer close(done)
				_, _ = d.Tokens.IDToken(ctx, u.UserID, here, "", nil) // the key does not open: it is another's
			}()
			if !d.Postgres { // where the turn to write has not come
				return err
			}
			return errors.Join(err, waiting(ctx, tx, done))
		})
		<-done
		if n, err := d.Store.Read().SigningKey.Query().Count(ctx); err != nil || n != 1 {
			t.Errorf("there are %d keys, the error is %v", n, err)
		}
	})
}

// saveActive copies a key into an instance.
func saveActive(ctx context.Context, tx *store.Tx, i *ent.Instance, of *ent.SigningKey, keyID string) error {
	row, err := tx.SigningKey.Create().SetKeyID(keyID).SetInstancePk(i.ID).SetPrivateKey(of.PrivateKey).
		SetPublicKey(of.PublicKey).SetAlgorithm("RS256").SetState(signingkey.StateActive).Save(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Record(ctx, store.WebKeyAdded, store.WebKeyObject(row), store.Payload{})
	return err
}

// waiting returns once another transaction waits for this one, or done is
// closed.
func waiting(ctx context.Context, tx *store.Tx, done <-chan struct{}) error {
	for {
		rows, err := tx.QueryContext(ctx, `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		if err != nil {
			return err
		}
		waits := rows.Next()
		if err := rows.Close(); err != nil {
			return err
		}
		select {
		case <-done:
			return nil
		default:
		}
		if waits {
			return nil
		}
		// The server shows a transaction one state of affairs until told to look again.
		if _, err := tx.ExecContext(ctx, `SELECT pg_stat_clear_snapshot()`); err != nil {
			return err
		}
	}
}

func checkIDToken(t *testing.T, d *tokentest.Directory, text string, keys jose.JSONWebKeySet, u *ent.User) {
	t.Helper()
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	header := parsed.Headers[0]
	if key := keys.Keys[0]; header.KeyID != key.KeyID || len(key.KeyID) != 18 || key.Use != "sig" || key.Algorithm != "RS256" || !key.IsPublic() {
		t.Errorf("the header is %v, the key %v", header, key)
	}
	var claims map[string]any
	if err := parsed.Claims(keys, &claims); err != nil {
		t.Fatal(err)
	}
	now := float64(d.Clock.Now().Unix())
	for name, want := range map[string]any{"iss": here, "sub": u.UserID, "aud": u.UserID, "iat": now, "auth_time": now, "exp": now + 43199} {
		if claims[name] != want {
			t.Errorf("%s is %v, not %v", name, claims[name], want)
		}
	}
	if len(claims) != 6 {
		t.Errorf("the claims are %v", claims)
	}
}

// A sealed key opens with its master key and in its row only.
func TestSigningKeySealed(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, here)
	elsewhere, foreign := d.Instance(t, here)
	u, stranger := d.Machine(t, ctx, o), d.Machine(t, elsewhere, foreign)
	if _, err := d.Tokens.IDToken(ctx, u.UserID, here, "", nil); err != nil {
		t.Fatal(err)
	}
	row, err := d.Store.Read().SigningKey.Query().Only(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d.Write(t, elsewhere, func(ctx context.Context, tx *store.Tx) error {
		i, err := tx.Instance.Query().Only(ctx)
		if err != nil {
			return err
		}
		return saveActive(ctx, tx, i, row, row.KeyID)
	})
	if _, err := d.Tokens.IDToken(elsewhere, stranger.UserID, here, "", nil); err == nil {
		t.Error("a key signs in another instance")
	}
	for name, c := range map[string]struct {
		masterKey *id.Keyring
		good      bool
	}{"the same": {d.MasterKey, true}, "another": {id.NewKeyring(id.NewMasterKey(), nil), false}} {
		again, err := token.New(token.Options{Store: d.Store, MasterKey: c.masterKey, KeyPairs: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.IDToken(ctx, u.UserID, here, "", nil); (err == nil) != c.good {
			t.Errorf("with %s master key the error is %v", name, err)
		}
	}
	if n, err := d.Store.Read().SigningKey.Query().Count(ctx); err != nil || n != 1 {
		t.Errorf("there are %d keys, the error is %v", n, err)
	}
}

// A key is made only in an instance that is there.
func TestSigningKeyOfNoInstance(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, here)
	u := d.Machine(t, ctx, o)
	if _, err := d.Tokens.IDToken(t.Context(), u.UserID, here, "", nil); err == nil {
		t.Error("there is an ID token of no instance")
	}
}
