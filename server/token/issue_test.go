package token_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// lastEvent returns the newest event of the instance of ctx.
func lastEvent(t *testing.T, d *tokentest.Directory, ctx context.Context) *ent.Event {
	t.Helper()
	e, err := d.Store.Read().Event.Query().Order(ent.Desc(event.FieldID)).First(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestPersonalAccessTokenRow(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		pat := d.PersonalAccessToken(t, ctx, u, time.Hour)
		row, err := d.Store.Read().PersonalAccessToken.Query().Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if row.TokenID != pat.ID || len(pat.ID) != 18 || row.Sequence != 2 || !row.ExpiresAt.Equal(d.Clock.Now().Add(time.Hour)) || row.LastUsedAt != nil {
			t.Errorf("the row is %v", row)
		}
		if fmt.Sprint(row.Scopes) != "[openid urn:zitadel:iam:org:project:id:zitadel:aud]" {
			t.Errorf("the scopes are %v", row.Scopes)
		}
		if bytes.Contains(row.Hash, []byte(pat.Token)) || !bytes.Equal(row.Hash, id.Hash(pat.Token)) {
			t.Error("what is stored is not the hash")
		}
		e := lastEvent(t, d, ctx)
		if e.Type != "user.pat.added" || e.AggregateID != u.UserID || e.Sequence != 2 || e.OwnerID != o.OrganizationID ||
			e.Payload["tokenId"] != pat.ID || e.Payload["expiration"] != "2026-06-01T13:00:00Z" || len(e.Payload) != 2 {
			t.Errorf("the event is %v", e)
		}
	})
}

func TestMachineKeyRow(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		key := d.MachineKey(t, ctx, u, time.Hour)
		row, err := d.Store.Read().MachineKey.Query().Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.ParsePKIXPublicKey(row.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if row.KeyID != key.ID || len(key.ID) != 18 || row.Sequence != 2 || !row.ExpiresAt.Equal(key.ExpirationDate) || !key.Private.PublicKey.Equal(public) {
			t.Errorf("the row is %v, the key %s", row, key.ID)
		}
		if key.Private.N.BitLen() != 2048 || key.Type != "serviceaccount" || key.UserID != u.UserID {
			t.Errorf("the key has %d bits, the type %s, the user %s", key.Private.N.BitLen(), key.Type, key.UserID)
		}
		if e := lastEvent(t, d, ctx); e.Type != "user.machine.key.added" || e.AggregateID != u.UserID || e.Sequence != 2 || e.Payload["keyId"] != key.ID {
			t.Errorf("the event is %v", e)
		}
	})
}

func TestMachineKeyFile(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	made, err := d.Tokens.NewMachineKey(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := made.File("u")
	if !json.Valid(file) {
		t.Error("the file is no JSON")
	}
	prefix := `{"type":"serviceaccount","keyId":"` + made.ID + `","key":"-----BEGIN RSA PRIVATE KEY-----\n`
	suffix := `\n-----END RSA PRIVATE KEY-----\n","expirationDate":"9999-12-31T23:59:59Z","userId":"u"}`
	if !strings.HasPrefix(string(file), prefix) || !strings.HasSuffix(string(file), suffix) {
		t.Error("the file is not as clients read it")
	}
	brought, err := d.Tokens.NewMachineKey(t.Context(), nil, &rsaKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if brought.File("u") != nil {
		t.Error("there is a file for a public key that was brought")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a choice between a turn and the end would be a random one
		if _, err := d.Tokens.NewMachineKey(gone, nil, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("the error is %v", err)
		}
	}
}

// What is secret does not show when it is printed.
func TestRedacted(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	key, err := d.Tokens.NewMachineKey(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	pat, err := d.Tokens.NewPersonalAccessToken(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := token.NewMachineSecret()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format+format+format, key, pat, secret); got != "[redacted][redacted][redacted]" {
			t.Errorf("%s prints %s", format, got)
		}
	}
	if key.LogValue().String()+pat.LogValue().String()+secret.LogValue().String() != "[redacted][redacted][redacted]" {
		t.Error("the log shows a secret")
	}
}

func TestParsePublicKey(t *testing.T) {
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)})
	for name, text := range map[string][]byte{"PKIX": pkixPEM(t, rsaKey().Public()), "PKCS #1": pkcs1, "space around": append([]byte("\n"), append(pkcs1, "\n \n"...)...)} {
		if key, err := token.ParsePublicKey(text); err != nil || !key.Equal(rsaKey().Public()) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	one := rsa.PublicKey{N: rsaKey().N, E: 1}
	for name, text := range map[string][]byte{
		"empty":       nil,
		"no PEM":      []byte("ssh-rsa AAAA"),
		"rubbish":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
		"more":        append(pkixPEM(t, rsaKey().Public()), "more"...),
		"1024 bits":   pkixPEM(t, smallKey().Public()),
		"ECDSA":       pkixPEM(t, p256Key().Public()),
		"private":     pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}),
		"exponent 1":  pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&one)}),
		"cut":         pkcs1[:len(pkcs1)/2],
		"mislabelled": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)}),
	} {
		key, err := token.ParsePublicKey(text)
		var f *fault.Fault
		if key != nil || !errors.As(err, &f) || !errors.Is(err, fault.KeyInvalid.With()) || len(f.Violations()) != 1 || f.Violations()[0].Field != "public_key" {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestMemberships(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, _ := d.Instance(t, here)
		u, other := d.Machine(t, ctx, o), d.Machine(t, ctx, o)
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			instanceID := caller.InstanceOf(ctx).ID
			if err := tx.Membership.Create().SetUserPk(u.ID).SetLevel(membership.LevelInstance).SetObjectID(instanceID).SetRoles([]string{"IAM_OWNER"}).Exec(ctx); err != nil {
				return err
			}
			for _, member := range []*ent.User{u, other} {
				if err := tx.Membership.Create().SetUserPk(member.ID).SetLevel(membership.LevelOrganization).SetObjectID(o.OrganizationID).
					SetOrganizationPk(o.ID).SetRoles([]string{"ORG_OWNER", "ORG_USER_MANAGER"}).Exec(ctx); err != nil {
					return err
				}
			}
			_, err := tx.Record(ctx, store.OrgMemberAdded, store.OrganizationObject(o), store.Payload{})
			return err
		})
		c := caller.Caller{Kind: caller.User, ID: u.UserID, PrimaryKey: u.ID}
		got, err := d.Tokens.Memberships(ctx, c)
		if err != nil || len(got) != 2 {
			t.Fatalf("the memberships are %v, the error %v", got, err)
		}
		if got[0].Level != caller.InstanceLevel {
			got[0], got[1] = got[1], got[0]
		}
		want := fmt.Sprint([]caller.Membership{
			{Level: caller.InstanceLevel, ID: caller.InstanceOf(ctx).ID, Roles: []string{"IAM_OWNER"}},
			{Level: caller.OrganizationLevel, ID: o.OrganizationID, Roles: []string{"ORG_OWNER", "ORG_USER_MANAGER"}},
		})
		if fmt.Sprint(got) != want {
			t.Errorf("the memberships are %v, not %s", got, want)
		}
		c.ConfinedTo = o.OrganizationID
		if got, err := d.Tokens.Memberships(ctx, c); err != nil || len(got) != 1 || got[0].Level != caller.OrganizationLevel || got[0].ID != o.OrganizationID {
			t.Errorf("confined to the organization they are %v, the error %v", got, err)
		}
		for _, another := range []string{"1", caller.InstanceOf(ctx).ID} {
			c.ConfinedTo = another
			if got, err := d.Tokens.Memberships(ctx, c); err != nil || len(got) != 0 {
				t.Errorf("confined to %s they are %v, the error %v", another, got, err)
			}
		}
		c.ConfinedTo = ""
		if got, err := d.Tokens.Memberships(elsewhere, c); err != nil || len(got) != 0 {
			t.Errorf("in another instance they are %v, the error %v", got, err)
		}
		if got, err := d.Tokens.Memberships(ctx, caller.Caller{}); err != nil || len(got) != 0 {
			t.Errorf("a stranger has %v, the error %v", got, err)
		}
		own := []caller.Membership{{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER"}}}
		if got, err := d.Tokens.Memberships(t.Context(), caller.Caller{Kind: caller.System, Memberships: own}); err != nil || fmt.Sprint(got) != fmt.Sprint(own) {
			t.Errorf("a system user has %v, the error %v", got, err)
		}
	})
}
