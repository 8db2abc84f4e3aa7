//go:build unix

package contract

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/store"
)

// subject is who calls, as the model of the matrix knows it.
type subject struct {
	name   string
	client *servertest.Caller
	// stranger has no token that is valid on the host.
	stranger bool
	system   bool
	// roles are held where at says; none if there are none.
	roles []string
	at    held
}

// held is where roles are held.
type held int

const (
	nowhere held = iota
	inSystem
	inInstance      // the one of the host
	inOtherInstance // the one that the calls of the System API name
	inThirdInstance
	inOrganization // of the subject
	inOtherOrganization
)

// strangers are those without a token of the host's instance.
func (w *world) strangers(t *testing.T) []subject {
	s := w.server
	unsigned := s.SystemToken(t)
	return []subject{
		{name: "nobody", client: s.As(""), stranger: true},
		{name: "garbage", client: s.As("garbage"), stranger: true},
		{name: "an unknown token", client: s.As(id.NewToken(id.PersonalAccessToken)), stranger: true},
		{name: "an unsigned token", client: s.As(unsigned[:strings.LastIndex(unsigned, ".")+1]), stranger: true},
		{name: "a token of another instance", client: s.As(w.other.OwnerToken), stranger: true},
		{name: "a user without membership", client: w.first.NewToken(t, w.first.NewMachine(t, "nobody"))},
	}
}

// members are users that have each role alone: in the instance, in their
// organization, and in another organization of the instance.
func (w *world) members(t *testing.T) (all []subject) {
	t.Helper()
	url := string(w.server.Database)
	if url == "" {
		url = filepath.Join(w.server.DataDir, "bastide.db")
	}
	db, err := store.Open(t.Context(), store.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := caller.InInstance(t.Context(), w.first.ID)
	for _, role := range slices.Sorted(maps.Keys(roles(t))) {
		for _, at := range []struct {
			held
			name string
		}{{inInstance, "instance"}, {inOrganization, "organization"}, {inOtherOrganization, "other-organization"}} {
			userID := w.first.NewMachine(t, role+"-"+at.name)
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return w.join(ctx, tx, userID, role, at.held) })
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, subject{
				name: "a user with " + role + " in the " + at.name, client: w.first.NewToken(t, userID), roles: []string{role}, at: at.held,
			})
		}
	}
	return all
}

// join makes a user a member with a role, whether the API would or not.
func (w *world) join(ctx context.Context, tx *store.Tx, userID, role string, at held) error {
	instance, err := tx.Instance.Query().Only(ctx)
	if err != nil {
		return err
	}
	member, err := user.Get(ctx, tx.User, userID)
	if err != nil {
		return err
	}
	level := membership.OnInstance(instance)
	if at != inInstance {
		org, err := organization.Get(ctx, tx.Organization, w.first.OrganizationID)
		if at == inOtherOrganization {
			org, _, err = organization.Create(ctx, tx, instance, organization.New{ID: "org-" + userID, Name: role, ParentDomain: "test"})
		}
		if err != nil {
			return err
		}
		level = membership.OnOrganization(org)
	}
	_, err = membership.Add(ctx, tx, level, member, []string{role})
	return err
}

// systemSubject is a system user with what the model knows of it.
type systemSubject struct {
	subject
	user servertest.SystemUser
}

// systemUsers are system users that have each role alone in the system, and
// some that have one elsewhere.
func systemUsers(t *testing.T) (all []systemSubject) {
	t.Helper()
	add := func(name string, at held, roles []string, memberships ...caller.Membership) {
		who := subject{name: "the system user " + name, system: true, at: at, roles: roles}
		all = append(all, systemSubject{who, servertest.NewSystemUser(t, name, memberships...)})
	}
	add("without membership", nowhere, nil)
	for _, role := range slices.Sorted(maps.Keys(roles(t))) {
		add(role, inSystem, []string{role}, caller.Membership{Level: caller.SystemLevel, Roles: []string{role}})
	}
	for _, role := range []string{"SYSTEM_OWNER", "IAM_OWNER", "ORG_OWNER"} {
		add(role+" of a third instance", inThirdInstance, []string{role}, caller.Membership{Level: caller.InstanceLevel, ID: "111111111111111111", Roles: []string{role}})
		add(role+" of an organization", inOtherOrganization, []string{role}, caller.Membership{Level: caller.OrganizationLevel, ID: "111111111111111111", Roles: []string{role}})
	}
	return all
}
