// Package permission decides who may call a method.
//
// The rule of a method is an option in its proto file; what a role may do is
// data (roles.json). Whom an object belongs to is asked of functions that the
// root hands in, for this room knows no database.
package permission

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// Objects are what a permission is needed on; an empty id means none.
type Objects struct {
	InstanceID     string
	OrganizationID string
}

// cover reports whether a membership counts on the objects.
func (o Objects) cover(m caller.Membership) bool {
	switch m.Level {
	case caller.SystemLevel:
		return true
	case caller.InstanceLevel:
		return m.ID == o.InstanceID && o.InstanceID != ""
	case caller.OrganizationLevel:
		return m.ID == o.OrganizationID && o.OrganizationID != ""
	default:
		return false
	}
}

// Has reports whether c has the permission on the objects.
func Has(c caller.Caller, permission string, on Objects) bool {
	for _, m := range c.Memberships {
		if on.cover(m) && Grants(m.Roles, permission) {
			return true
		}
	}
	return false
}

// Directory answers what a decision needs to know.
type Directory struct {
	// InstanceExists reports whether the instance exists.
	InstanceExists func(ctx context.Context, id string) (bool, error)
	// OrganizationExists reports whether the instance of ctx has the
	// organization.
	OrganizationExists func(ctx context.Context, id string) (bool, error)
	// OwnerOf returns the id of the organization that owns the object, in the
	// instance of ctx, or fault.NotFound.
	OwnerOf func(ctx context.Context, kind bastidev1.Kind, id string) (string, error)
}

// maxID is how many characters an id has at most.
const maxID = 200

// isID reports whether a text can be an id. One that cannot is unknown without
// asking the database, which does not take every text.
func isID(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0) && utf8.RuneCountInString(text) <= maxID
}

// RuleOf returns the rule of a method, nil if it has none.
func RuleOf(method protoreflect.MethodDescriptor) *bastidev1.Rule {
	rule, _ := proto.GetExtension(method.Options(), bastidev1.E_Rule).(*bastidev1.Rule)
	return rule
}

// NeedsMemberships reports whether deciding the rule takes the memberships of
// the caller.
func NeedsMemberships(rule *bastidev1.Rule) bool { return rule.GetPermission() != "" }

// Enter decides what can be decided before the request is decoded: whether the
// caller may call the method at all, on whatever object.
//
// It returns fault.Unauthenticated for an anonymous caller and for a user on a
// method of the installation, fault.PermissionDenied for one who has the
// permission nowhere, or for a method without a rule.
func Enter(ctx context.Context, rule *bastidev1.Rule) error {
	c := caller.From(ctx)
	switch rule.GetOn() {
	case bastidev1.On_ON_PUBLIC, bastidev1.On_ON_HOST:
		return nil
	case bastidev1.On_ON_UNSPECIFIED:
		return fault.PermissionMissing.With("of a method without a rule")
	case bastidev1.On_ON_SYSTEM:
		if c.Kind != caller.System {
			return fault.TokenInvalid.With()
		}
	}
	if c.Kind == caller.Anonymous {
		return fault.TokenInvalid.With()
	}
	if rule.GetPermission() == "" { // of the caller alone: nowhere, or for itself
		return nil
	}
	for _, m := range c.Memberships {
		if Grants(m.Roles, rule.GetPermission()) {
			return nil
		}
	}
	return fault.PermissionMissing.With(rule.GetPermission())
}

// Check decides the rule for the object of the request. It returns the context
// in which the call acts: in the instance that a system call names, in the
// organization that was chosen. chosen is the organization of the request's
// header, empty if none.
//
// It returns fault.PermissionDenied, fault.NotFound for an object that is
// missing or not for the caller, or an error of the Directory.
func (d Directory) Check(ctx context.Context, rule *bastidev1.Rule, request proto.Message, chosen string) (context.Context, error) {
	switch rule.GetOn() {
	case bastidev1.On_ON_PUBLIC, bastidev1.On_ON_HOST, bastidev1.On_ON_AUTHENTICATED:
		return ctx, nil
	case bastidev1.On_ON_SELF:
		if caller.From(ctx).Kind != caller.User {
			return ctx, fault.UserUnknown.With() // a system user is none
		}
		own := caller.From(ctx).OrganizationID
		ctx = caller.WithOrganization(ctx, own)
		if rule.GetPermission() == "" {
			return ctx, nil
		}
		return ctx, need(ctx, rule, Objects{InstanceID: caller.InstanceOf(ctx).ID, OrganizationID: own})
	case bastidev1.On_ON_SYSTEM:
		return d.checkSystem(ctx, rule, request)
	case bastidev1.On_ON_INSTANCE:
		return ctx, need(ctx, rule, Objects{InstanceID: caller.InstanceOf(ctx).ID})
	case bastidev1.On_ON_HEADER_ORG:
		return d.checkHeader(ctx, rule, request, chosen)
	case bastidev1.On_ON_OBJECT:
		return d.checkObject(ctx, rule, request)
	default:
		return ctx, fault.PermissionMissing.With("of a method without a rule")
	}
}

func (d Directory) checkSystem(ctx context.Context, rule *bastidev1.Rule, request proto.Message) (context.Context, error) {
	if rule.GetObject() == nil {
		return caller.WithInstance(ctx, caller.Instance{Origin: caller.InstanceOf(ctx).Origin}), need(ctx, rule, Objects{})
	}
	id := field(request, rule.GetObject().GetField())
	if id == "" || !Has(caller.From(ctx), rule.GetPermission(), Objects{InstanceID: id}) {
		return ctx, fault.InstanceUnknown.With()
	}
	exists, err := d.InstanceExists(ctx, id)
	if err == nil && !exists {
		err = fault.InstanceUnknown.With()
	}
	return caller.InInstance(ctx, id), err
}

func (d Directory) checkHeader(ctx context.Context, rule *bastidev1.Rule, request proto.Message, chosen string) (context.Context, error) {
	own := caller.From(ctx).OrganizationID
	if chosen == "" {
		chosen = own
	}
	if chosen == "" {
		return ctx, fault.OrganizationMissing.With()
	}
	if !Has(caller.From(ctx), rule.GetPermission(), Objects{InstanceID: caller.InstanceOf(ctx).ID, OrganizationID: chosen}) {
		return ctx, fault.OrganizationDenied.With()
	}
	if chosen != own {
		if !isID(chosen) {
			return ctx, fault.OrganizationDenied.With()
		}
		exists, err := d.OrganizationExists(ctx, chosen)
		if err != nil {
			return ctx, err
		}
		if !exists {
			return ctx, fault.OrganizationDenied.With()
		}
	}
	ctx = caller.WithOrganization(ctx, chosen)
	if rule.GetObject() == nil {
		return ctx, nil
	}
	owner, err := d.ownerOf(ctx, rule, request)
	if err == nil && owner != chosen {
		err = fault.ObjectUnknown.With()
	}
	return ctx, err
}

func (d Directory) checkObject(ctx context.Context, rule *bastidev1.Rule, request proto.Message) (context.Context, error) {
	owner, err := d.ownerOf(ctx, rule, request)
	if err != nil {
		return ctx, err
	}
	if !Has(caller.From(ctx), rule.GetPermission(), Objects{InstanceID: caller.InstanceOf(ctx).ID, OrganizationID: owner}) {
		return ctx, fault.ObjectUnknown.With()
	}
	return caller.WithOrganization(ctx, owner), nil
}

// ownerOf returns the organization of the object that the request names; every
// way to miss it has one answer.
func (d Directory) ownerOf(ctx context.Context, rule *bastidev1.Rule, request proto.Message) (string, error) {
	object := rule.GetObject()
	owner, err := d.OwnerOf(ctx, object.GetKind(), field(request, object.GetField()))
	if errors.Is(err, fault.NotFound) {
		err = fault.ObjectUnknown.With()
	}
	return owner, err
}

func need(ctx context.Context, rule *bastidev1.Rule, on Objects) error {
	if Has(caller.From(ctx), rule.GetPermission(), on) {
		return nil
	}
	return fault.PermissionMissing.With(rule.GetPermission())
}

// field returns the string field of a message. A rule whose field does not
// exist fails when the server starts.
func field(m proto.Message, name string) string {
	r := m.ProtoReflect()
	return r.Get(r.Descriptor().Fields().ByName(protoreflect.Name(name))).String()
}
