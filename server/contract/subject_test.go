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
	// elsewhere tells that the subject is of the other organization.
	elsewhere bool
	// chosen is the organization that the subject names in its calls.
	chosen organizationOf
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
	inOrganization // of the objects that calls name
	inOtherOrganization
)

// organizationOf is one of the organizations that the model tells apart.
type organizationOf int

const (
	none organizationOf = iota
	hostOrganization
	otherOrganization
	unknownOrganization
)

// own returns the organization that the subject is of.
func (s subject) own() organizationOf {
	switch {
	case s.system:
		return none
	case s.elsewhere:
		return otherOrganization
	}
	return hostOrganization
}

// acts returns the organization that calls of the subject act in.
func (s subject) acts() organizationOf {
	if s.chosen != none {
		return s.chosen
	}
	return s.own()
}

// covers reports whether the roles of the subject count in an organization.
func (s subject) covers(o organizationOf) bool {
	switch s.at {
	case inSystem, inInstance:
		return o == hostOrganization || o == otherOrganization
	case inOrganization:
		return o == hostOrganization
	case inOtherOrganization:
		return o == otherOrganization
	default:
		return false
	}
}

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

// members are users of the organization that have each role alone: in the
// instance, in their organization, and in another one.
func (w *world) members(t *testing.T) (all []subject) {
	t.Helper()
	for _, role := range slices.Sorted(maps.Keys(roles(t))) {
		for _, at := range []struct {
			held
			name string
		}{{inInstance, "instance"}, {inOrganization, "organization"}, {inOtherOrganization, "other-organization"}} {
			who := subject{name: "a user with " + role + " in the " + at.name, roles: []string{role}, at: at.held}
			who.remake = func() *servertest.Caller {
				client, _ := w.member(t, role, at.held)
				return client
			}
			who.client = who.remake()
			all = append(all, who)
		}
	}
	return all
}

// member makes a user of the organization with a role, and returns its id too.
func (w *world) member(t *testing.T, role string, at held) (client *servertest.Caller, userID string) {
	t.Helper()
	userID = w.first.NewMachine(t, role+"-"+id.Suffix(6))
	w.join(t, userID, role, at)
	return w.first.NewToken(t, userID), userID
}

// choosers are owners of one thing who are of, or choose, another.
func (w *world) choosers(t *testing.T) []subject {
	t.Helper()
	in := func(role string, at held, organizationID string) *servertest.Caller {
		client, userID := w.member(t, role, at)
		if at == inOtherOrganization {
			organizationID = organizationOfMember(userID)
		}
		return client.In(organizationID)
	}
	other := func() string { return w.first.NewOrganization(t, "chosen-"+id.Suffix(6)) }
	orgOwner, iamOwner := []string{"ORG_OWNER"}, []string{"IAM_OWNER"}
	const unknown = "111111111111111111"
	all := []subject{
		{name: "the owner of another organization", roles: orgOwner, at: inOtherOrganization, elsewhere: true,
			remake: func() *servertest.Caller { return w.ownerElsewhere(t) }},
		{name: "the owner of another organization, here", roles: orgOwner, at: inOtherOrganization, elsewhere: true, chosen: hostOrganization,
			remake: func() *servertest.Caller { return w.ownerElsewhere(t).In(w.first.OrganizationID) }},
		{name: "the owner of another organization, in an unknown one", roles: orgOwner, at: inOtherOrganization, elsewhere: true, chosen: unknownOrganization,
			remake: func() *servertest.Caller { return w.ownerElsewhere(t).In(unknown) }},
		{name: "a user of this organization, owner of another, there", roles: orgOwner, at: inOtherOrganization, chosen: otherOrganization,
			remake: func() *servertest.Caller { return in("ORG_OWNER", inOtherOrganization, "") }},
		{name: "the owner of this organization, in another", roles: orgOwner, at: inOrganization, chosen: otherOrganization,
			remake: func() *servertest.Caller { return in("ORG_OWNER", inOrganization, other()) }},
		{name: "the owner of the instance, in another organization", roles: iamOwner, at: inInstance, chosen: otherOrganization,
			remake: func() *servertest.Caller { return in("IAM_OWNER", inInstance, other()) }},
		{name: "the owner of the instance, in an unknown organization", roles: iamOwner, at: inInstance, chosen: unknownOrganization,
			remake: func() *servertest.Caller { return in("IAM_OWNER", inInstance, unknown) }},
	}
	for i := range all {
		all[i].client = all[i].remake()
	}
	return all
}

// ownerElsewhere makes another organization with an owner of its own.
func (w *world) ownerElsewhere(t *testing.T) *servertest.Caller {
	t.Helper()
	there := w.first
	there.OrganizationID = w.first.NewOrganization(t, "elsewhere-"+id.Suffix(6))
	there.Owner = w.first.Owner.In(there.OrganizationID)
	userID := there.NewMachine(t, "owner-"+id.Suffix(6))
	servertest.OK(there.Owner.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: userID, Roles: []string{"ORG_OWNER"}}))(t)
	return there.NewToken(t, userID)
}

// organizationOfMember returns the id of the other organization that join makes.
func organizationOfMember(userID string) string { return "org-" + userID }

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
			org, _, err = organization.Create(ctx, tx, instance, organization.New{ID: organizationOfMember(userID), Name: "org " + userID, ParentDomain: "test"})
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

// systemUsers are system users that own something, or nothing, and choose no
// organization.
func systemUsers(t *testing.T) (all []systemSubject) {
	t.Helper()
	add := func(name string, at held, roles []string, memberships ...caller.Membership) {
		who := subject{name: "the system user " + name, system: true, at: at, roles: roles}
		all = append(all, systemSubject{who, servertest.NewSystemUser(t, name, memberships...)})
	}
	add("without membership", nowhere, nil)
	for _, role := range []string{"SYSTEM_OWNER", "SYSTEM_OWNER_VIEWER", "IAM_OWNER", "ORG_OWNER"} {
		add(role, inSystem, []string{role}, caller.Membership{Level: caller.SystemLevel, Roles: []string{role}})
		add(role+" of a third instance", inThirdInstance, []string{role}, caller.Membership{Level: caller.InstanceLevel, ID: "111111111111111111", Roles: []string{role}})
		add(role+" of an organization", inOtherOrganization, []string{role}, caller.Membership{Level: caller.OrganizationLevel, ID: "111111111111111111", Roles: []string{role}})
	}
	return all
}

// choosingSystemUsers are system users that have each role alone at each level,
// and choose the organization that calls are about.
func choosingSystemUsers(t *testing.T, w world) (all []systemSubject) {
	t.Helper()
	for _, role := range slices.Sorted(maps.Keys(roles(t))) {
		for _, in := range []struct {
			name string
			at   held
			caller.Membership
		}{
			{"system", inSystem, caller.Membership{Level: caller.SystemLevel}},
			{"instance", inInstance, caller.Membership{Level: caller.InstanceLevel, ID: w.first.ID}},
			{"other-instance", inOtherInstance, caller.Membership{Level: caller.InstanceLevel, ID: w.other.ID}},
			{"organization", inOrganization, caller.Membership{Level: caller.OrganizationLevel, ID: w.first.OrganizationID}},
		} {
			in.Roles = []string{role}
			who := subject{name: "the system user with " + role + " in the " + in.name, system: true, roles: in.Roles, at: in.at, chosen: hostOrganization}
			all = append(all, systemSubject{who, servertest.NewSystemUser(t, role+"-"+in.name, in.Membership)})
		}
	}
	return all
}
