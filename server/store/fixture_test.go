//go:build unix

package store

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest/postgres"
)

const templateDatabase = "store_template"

var (
	template = sync.OnceValue(func() error {
		server, err := postgres.Shared(context.Background())
		if err != nil {
			return err
		}
		url, err := server.Create(context.Background(), templateDatabase)
		if err != nil {
			return err
		}
		_, err = Migrate(context.Background(), Options{URL: url, Log: slog.New(slog.DiscardHandler)})
		return err
	})
	databases atomic.Int64
)

// newPostgres returns the URL of a PostgreSQL database of its own with the
// schema and nothing in it.
func newPostgres(t *testing.T) string {
	t.Helper()
	if err := template(); err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Shared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := "store_" + strconv.FormatInt(databases.Add(1), 10)
	url, err := server.Clone(t.Context(), templateDatabase, name)
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

// eachURL runs a test with the URL of an empty database of each kind.
func eachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "bastide.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, newPostgres(t)) })
}

// each runs a test with an open store on an empty database of each kind.
func each(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	eachURL(t, func(t *testing.T, url string) { test(t, open(t, Options{URL: url})) })
}

// open opens a store that is closed when the test ends.
func open(t *testing.T, options Options) *Store {
	t.Helper()
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// tenant is an instance with one row of every table that others point at.
type tenant struct {
	ctx          context.Context
	instance     *ent.Instance
	organization *ent.Organization
	user         *ent.User
	project      *ent.Project
	application  *ent.Application
	event        *ent.Event
}

// newTenant makes an instance with the id.
func newTenant(t *testing.T, s *Store, id string) (made tenant) {
	t.Helper()
	made.ctx = caller.InInstance(t.Context(), id)
	write(t, s, made.ctx, func(ctx context.Context, tx *Tx) (err error) {
		if made.instance, err = tx.Instance.Create().SetName(id).SetNameKey(Key(id)).SetDefaultLanguage("en").Save(ctx); err != nil {
			return err
		}
		made.organization, err = newOrganization(tx, made.instance, "org of "+id).Save(ctx)
		if err != nil {
			return err
		}
		if made.user, err = newUser(tx, made.organization, "user of "+id).Save(ctx); err != nil {
			return err
		}
		if made.project, err = newProject(tx, made.organization, "project of "+id).Save(ctx); err != nil {
			return err
		}
		if made.application, err = newApplication(tx, made.project, "application of "+id).Save(ctx); err != nil {
			return err
		}
		if _, err = tx.Record(ctx, UserMachineAdded, UserObject(made.user), Payload{}); err != nil {
			return err
		}
		made.event, err = tx.Event.Query().First(ctx)
		return err
	})
	return made
}

func newOrganization(tx *Tx, in *ent.Instance, name string) *ent.OrganizationCreate {
	return tx.Organization.Create().SetTenant(in).SetOrganizationID(name).SetName(Text(name)).SetNameKey(Key(name))
}

func newUser(tx *Tx, in *ent.Organization, name string) *ent.UserCreate {
	return tx.User.Create().SetOrganization(in).SetResourceOwner(in.OrganizationID).SetType(user.TypeMachine).
		SetUserID(name).SetUserName(name).SetNameKey(Key(name)).
		SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).SetDisplayNameKey([]byte{}).SetEmailKey([]byte{})
}

func newProject(tx *Tx, in *ent.Organization, name string) *ent.ProjectCreate {
	return tx.Project.Create().SetOrganization(in).SetResourceOwner(in.OrganizationID).SetProjectID(name).SetName(name).SetNameKey(Key(name))
}

func newApplication(tx *Tx, in *ent.Project, name string) *ent.ApplicationCreate {
	return tx.Application.Create().SetProject(in).SetApplicationID(name).SetName(name).SetNameKey(Key(name)).
		SetKind(application.KindAPI).SetClientID(name).SetSettings(json.RawMessage("{}"))
}

// write is Write that must succeed.
func write(t *testing.T, s *Store, ctx context.Context, f func(context.Context, *Tx) error) {
	t.Helper()
	if err := s.Write(ctx, f); err != nil {
		t.Fatal(err)
	}
}

// wantIs ends the test unless err is target.
func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}
