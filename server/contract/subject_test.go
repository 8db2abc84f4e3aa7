//go:build unix

package contract

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
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
	// elsewhere tells that the subject's own organization is not that of the
	// objects which calls name.
	elsewhere bool
	// remake makes a user that ended itself anew.
	remake func() *servertest.Caller
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
		{name: "a user without membership", client: w.first.NewToken(t, w.first.NewMachine(t, "nobody")),
			remake: func() *servertest.Caller { return w.first.NewToken(t, w.first.NewMachine(t, "nobody-"+id.Suffix(6))) }},
	}
}

// members are users that have each role alone: in the instance, in their
// organization, and in another organization of the instance; and the owner of
// that other one, whose own it is.
func (w *world) members(t *testing.T) (all []subject) {
	t.Helper()
	add := func(who subject, make func() *servertest.Caller) {
		who.client, who.remake = make(), make
		all = append(all, who)
	}
	for _, role := range slices.Sorted(maps.Keys(roles(t))) {
		for _, at := range []struct {
			held
			name string
		}{{inInstance, "instance"}, {inOrganization, "organization"}, {inOtherOrganization, "other-organization"}} {
			who := subject{name: "a user with " + role + " in the " + at.name, roles: []string{role}, at: at.held}
			add(who, func() *servertest.Caller {
				userID := w.first.NewMachine(t, role+"-"+at.name+id.Suffix(6))
				w.join(t, userID, role, at.held)
				return w.first.NewToken(t, userID)
			})
		}
	}
	who := subject{name: "the owner of another organization", roles: []string{"ORG_OWNER"}, at: inOrganization, elsewhere: true}
	add(who, func() *servertest.Caller { return w.ownerElsewhere(t) })
	return all
}

// ownerElsewhere makes another organization with an owner.
func (w *world) ownerElsewhere(t *testing.T) *servertest.Caller {
	t.Helper()
	there := w.first
	there.OrganizationID = w.first.NewOrganization(t, "elsewhere-"+id.Suffix(6))
	there.Owner = w.first.Owner.In(there.OrganizationID)
	userID := there.NewMachine(t, "owner-"+id.Suffix(6))
	servertest.OK(there.Owner.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: userID, Roles: []string{"ORG_OWNER"}}))(t)
	return there.NewToken(t, userID)
}

// join makes a user a member with a role, whether the API would or not.
func (w *world) join(t *testing.T, userID, role string, at held) {
	t.Helper()
	w.first.Write(t, func(ctx context.Context, _ *store.Store, tx *store.Tx) error {
		return join(ctx, tx, w.first.OrganizationID, userID, role, at)
	})
}

func join(ctx context.Context, tx *store.Tx, organizationID, userID, role string, at held) error {
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
		org, err := organization.Get(ctx, tx.Organization, organizationID)
		if at == inOtherOrganization {
			org, _, err = organization.Create(ctx, tx, instance, organization.New{ID: "org-" + userID, Name: "org " + userID, ParentDomain: "test"})
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
