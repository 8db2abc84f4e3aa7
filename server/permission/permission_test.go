package permission

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

func on(level caller.Level, id string, roles ...string) caller.Membership {
	return caller.Membership{Level: level, ID: id, Roles: roles}
}

func user(memberships ...caller.Membership) caller.Caller {
	return caller.Caller{Kind: caller.User, ID: "u", OrganizationID: "own", Memberships: memberships}
}

func system(memberships ...caller.Membership) caller.Caller {
	return caller.Caller{Kind: caller.System, ID: "s", Memberships: memberships}
}

func rule(on bastidev1.On, permission string) *bastidev1.Rule {
	return &bastidev1.Rule{On: on, Permission: permission}
}

// of returns the rule with an object.
func of(r *bastidev1.Rule, kind bastidev1.Kind, field string) *bastidev1.Rule {
	r.Object = &bastidev1.Object{Kind: kind, Field: field}
	return r
}

func TestEnter(t *testing.T) {
	const system1, instance1 = caller.SystemLevel, caller.InstanceLevel
	onSystem := rule(bastidev1.On_ON_SYSTEM, "system.instance.read")
	onInstance := rule(bastidev1.On_ON_INSTANCE, "iam.read")
	onOrg := rule(bastidev1.On_ON_HEADER_ORG, "org.read")
	for _, test := range []struct {
		name string
		rule *bastidev1.Rule
		who  caller.Caller
		want error
	}{
		{"public, anonymous", rule(bastidev1.On_ON_PUBLIC, ""), caller.Caller{}, nil},
		{"public, user", rule(bastidev1.On_ON_PUBLIC, ""), user(), nil},
		{"host, anonymous", rule(bastidev1.On_ON_HOST, ""), caller.Caller{}, nil},
		{"self, anonymous", rule(bastidev1.On_ON_SELF, ""), caller.Caller{}, fault.Unauthenticated},
		{"self, user", rule(bastidev1.On_ON_SELF, ""), user(), nil},
		{"self, system", rule(bastidev1.On_ON_SELF, ""), system(), nil},
		{"no rule, anonymous", nil, caller.Caller{}, fault.PermissionDenied},
		{"no rule, owner", nil, system(on(system1, "", "SYSTEM_OWNER", "IAM_OWNER")), fault.PermissionDenied},
		{"an unknown place", rule(99, "iam.read"), caller.Caller{}, fault.Unauthenticated},
		{"system, anonymous", onSystem, caller.Caller{}, fault.Unauthenticated},
		{"system, user with the permission", onSystem, user(on(system1, "", "SYSTEM_OWNER")), fault.Unauthenticated},
		{"system, system user without", onSystem, system(), fault.PermissionDenied},
		{"system, system user with another role", onSystem, system(on(system1, "", "IAM_OWNER")), fault.PermissionDenied},
		{"system, viewer", onSystem, system(on(system1, "", "SYSTEM_OWNER_VIEWER")), nil},
		{"instance, anonymous", onInstance, caller.Caller{}, fault.Unauthenticated},
		{"instance, user without", onInstance, user(), fault.PermissionDenied},
		{"instance, user with it elsewhere", onInstance, user(on(instance1, "other", "IAM_OWNER")), nil}, // Check decides where
		{"instance, system user", onInstance, system(on(system1, "", "IAM_OWNER_VIEWER")), nil},
		{"organization, user without", onOrg, user(on(instance1, "i", "IAM_LOGIN_CLIENT_X")), fault.PermissionDenied},
		{"organization, member", onOrg, user(on(caller.OrganizationLevel, "own", "ORG_OWNER")), nil},
	} {
		err := Enter(caller.With(t.Context(), test.who), test.rule)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

// A membership of no level, one whose level was forgotten, counts nowhere.
func TestNoLevel(t *testing.T) {
	for _, m := range []caller.Membership{on(0, "", "IAM_OWNER"), on(0, "i", "IAM_OWNER"), on(0, "o", "IAM_OWNER"), on(4, "o", "IAM_OWNER")} {
		if Has(user(m), "iam.read", Objects{InstanceID: "i", OrganizationID: "o"}) {
			t.Errorf("%+v counts", m)
		}
	}
}

var errBroken = errors.New("the database is down")

// directory knows the instances i and j; in each the organizations own and
// other, and the user u of own.
var directory = Directory{
	InstanceExists: func(_ context.Context, id string) (bool, error) {
		if id == "broken" || id == "" { // the store refuses to look in no instance
			return false, errBroken
		}
		return id == "i" || id == "j", nil
	},
	OrganizationExists: func(_ context.Context, id string) (bool, error) {
		if id == "broken" || !utf8.ValidString(id) || strings.ContainsRune(id, 0) { // as a database does
			return false, errBroken
		}
		return id == "own" || id == "other" || utf8.RuneCountInString(id) >= 200, nil
	},
	OwnerOf: func(_ context.Context, kind bastidev1.Kind, id string) (string, error) {
		switch {
		case kind == bastidev1.Kind_KIND_USER && id == "u":
			return "own", nil
		case id == "broken":
			return "", errBroken
		}
		return "", fault.UserUnknown.With()
	},
}

// wanted is the answer of a check: where the call acts, or the fault.
type wanted struct {
	instance, organization string
	err                    error
}

func check(t *testing.T, name string, who caller.Caller, r *bastidev1.Rule, id, chosen string, want wanted) {
	t.Helper()
	ctx := caller.With(caller.WithInstance(t.Context(), caller.Instance{ID: "i", Origin: "https://i.example"}), who)
	var err error
	if r.GetObject().GetKind() == bastidev1.Kind_KIND_INSTANCE {
		ctx, err = directory.Check(ctx, r, &systemv1.GetInstanceRequest{InstanceId: id}, chosen)
	} else {
		ctx, err = directory.Check(ctx, r, &managementv1.AddMachineKeyRequest{UserId: id}, chosen)
	}
	if !errors.Is(err, want.err) {
		t.Errorf("%s: got %v, want %v", name, err, want.err)
		return
	}
	if err != nil {
		return
	}
	got := wanted{instance: caller.InstanceOf(ctx).ID, organization: caller.OrganizationID(ctx)}
	if got != want {
		t.Errorf("%s: acts in %+v, want %+v", name, got, want)
	}
	if origin := caller.InstanceOf(ctx).Origin; origin != "https://i.example" {
		t.Errorf("%s: the origin became %q", name, origin)
	}
}

func TestCheckSystem(t *testing.T) {
	plain := rule(bastidev1.On_ON_SYSTEM, "system.instance.read")
	object := of(rule(bastidev1.On_ON_SYSTEM, "system.instance.read"), bastidev1.Kind_KIND_INSTANCE, "instance_id")
	owner := system(on(caller.SystemLevel, "", "SYSTEM_OWNER"))
	ofI := system(on(caller.InstanceLevel, "i", "SYSTEM_OWNER"))
	unknown := fault.InstanceUnknown.With()
	check(t, "plain, owner", owner, plain, "", "", wanted{})
	check(t, "plain, of one instance", ofI, plain, "", "", wanted{err: fault.PermissionMissing.With("")})
	check(t, "plain, viewer of another level", system(on(caller.SystemLevel, "", "IAM_OWNER")), plain, "", "", wanted{err: fault.PermissionDenied})
	check(t, "object, owner", owner, object, "j", "", wanted{instance: "j"})
	check(t, "object, unknown", owner, object, "x", "", wanted{err: unknown})
	check(t, "object, none", owner, object, "", "", wanted{err: unknown})
	check(t, "object, forbidden", ofI, object, "j", "", wanted{err: unknown}) // as if it were not there
	check(t, "object, of its instance", ofI, object, "i", "", wanted{instance: "i"})
	check(t, "object, none and of one instance", system(on(caller.InstanceLevel, "", "SYSTEM_OWNER")), object, "", "", wanted{err: unknown})
	check(t, "object, database down", owner, object, "broken", "", wanted{err: errBroken})
}

func TestCheckInstance(t *testing.T) {
	r := rule(bastidev1.On_ON_INSTANCE, "iam.read")
	denied := fault.PermissionMissing.With("")
	check(t, "member", user(on(caller.InstanceLevel, "i", "IAM_OWNER")), r, "", "", wanted{instance: "i"})
	check(t, "of another", user(on(caller.InstanceLevel, "j", "IAM_OWNER")), r, "", "", wanted{err: denied})
	check(t, "of the system", system(on(caller.SystemLevel, "", "IAM_OWNER")), r, "", "", wanted{instance: "i"})
	check(t, "in an organization", user(on(caller.OrganizationLevel, "own", "IAM_OWNER")), r, "", "", wanted{err: denied})
	check(t, "an organization called like it", user(on(caller.OrganizationLevel, "i", "IAM_OWNER")), r, "", "", wanted{err: denied})
	check(t, "another role", user(on(caller.InstanceLevel, "i", "IAM_USER_MANAGER_X")), r, "", "", wanted{err: denied})
}

func TestCheckHeaderOrganization(t *testing.T) {
	r := rule(bastidev1.On_ON_HEADER_ORG, "user.write")
	object := of(rule(bastidev1.On_ON_HEADER_ORG, "user.write"), bastidev1.Kind_KIND_USER, "user_id")
	member := user(on(caller.OrganizationLevel, "own", "ORG_OWNER"))
	owner := user(on(caller.InstanceLevel, "i", "IAM_OWNER"))
	ops := system(on(caller.SystemLevel, "", "IAM_OWNER"))
	denied := fault.OrganizationDenied.With()
	check(t, "own", member, r, "", "", wanted{"i", "own", nil})
	check(t, "own, chosen", member, r, "", "own", wanted{"i", "own", nil})
	check(t, "other", member, r, "", "other", wanted{err: denied})
	check(t, "unknown", member, r, "", "unknown", wanted{err: denied})
	check(t, "other, by an owner of the instance", owner, r, "", "other", wanted{"i", "other", nil})
	check(t, "unknown, by an owner of the instance", owner, r, "", "unknown", wanted{err: denied})
	longest := strings.Repeat("ä", 200)
	check(t, "as long as an id can be", owner, r, "", longest, wanted{"i", longest, nil})
	check(t, "too long", owner, r, "", longest+"ä", wanted{err: denied})
	check(t, "not UTF-8", owner, r, "", "\xff\xfe", wanted{err: denied})
	check(t, "with U+0000", owner, r, "", "own\x00", wanted{err: denied})
	check(t, "database down", owner, r, "", "broken", wanted{err: errBroken})
	check(t, "member of other, own chosen", user(on(caller.OrganizationLevel, "other", "ORG_OWNER")), r, "", "", wanted{err: denied})
	check(t, "member of other, other chosen", user(on(caller.OrganizationLevel, "other", "ORG_OWNER")), r, "", "other", wanted{"i", "other", nil})
	check(t, "system user, none", ops, r, "", "", wanted{err: fault.OrganizationMissing.With()})
	check(t, "system user, chosen", ops, r, "", "other", wanted{"i", "other", nil})
	check(t, "object", member, object, "u", "", wanted{"i", "own", nil})
	check(t, "object, missing", member, object, "x", "", wanted{err: fault.ObjectUnknown.With()})
	check(t, "object of another", owner, object, "u", "other", wanted{err: fault.ObjectUnknown.With()})
	check(t, "object, database down", member, object, "broken", "", wanted{err: errBroken})
}

func TestCheckObject(t *testing.T) {
	r := of(rule(bastidev1.On_ON_OBJECT, "user.write"), bastidev1.Kind_KIND_USER, "user_id")
	unknown := fault.ObjectUnknown.With()
	check(t, "member of its owner", user(on(caller.OrganizationLevel, "own", "ORG_OWNER")), r, "u", "", wanted{"i", "own", nil})
	check(t, "forbidden", user(on(caller.OrganizationLevel, "other", "ORG_OWNER")), r, "u", "", wanted{err: unknown})
	check(t, "missing", user(on(caller.InstanceLevel, "i", "IAM_OWNER")), r, "x", "", wanted{err: unknown})
	check(t, "the header does not count", user(on(caller.OrganizationLevel, "other", "ORG_OWNER")), r, "u", "other", wanted{err: unknown})
	check(t, "database down", user(on(caller.InstanceLevel, "i", "IAM_OWNER")), r, "broken", "", wanted{err: errBroken})
}

func TestCheckFree(t *testing.T) {
	check(t, "public", caller.Caller{}, rule(bastidev1.On_ON_PUBLIC, ""), "", "", wanted{instance: "i"})
	check(t, "host", caller.Caller{}, rule(bastidev1.On_ON_HOST, ""), "", "", wanted{instance: "i"})
	check(t, "self", user(), rule(bastidev1.On_ON_SELF, ""), "", "", wanted{instance: "i", organization: "own"})
	check(t, "no rule", system(on(caller.SystemLevel, "", "SYSTEM_OWNER")), nil, "", "", wanted{err: fault.PermissionDenied})
}
