package management_test

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	policyv1 "github.com/bastide-id/bastide/gen/zitadel/policy/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

type detailed interface {
	GetDetails() *zitadelv1.ObjectDetails
}

// policyCalls are the calls of one kind of policy. The policies are as answered
// but for their details; updates and additions set first or second.
type policyCalls struct {
	get, getDefault            func(context.Context, *servertest.Caller) (proto.Message, error)
	add, update                func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error)
	reset                      func(context.Context, *servertest.Caller) (detailed, error)
	setInstance                func(context.Context, *servertest.Caller) error
	builtIn, ofInstance, first func(*zitadelv1.ObjectDetails, bool) proto.Message
	second                     func(*zitadelv1.ObjectDetails, bool) proto.Message
}

var policies = map[string]policyCalls{
	"password complexity": passwordComplexity(),
	"password age":        passwordAge(),
	"lockout":             lockout(),
}

func passwordComplexity() policyCalls {
	policy := func(length uint64, all bool) func(*zitadelv1.ObjectDetails, bool) proto.Message {
		return func(details *zitadelv1.ObjectDetails, isDefault bool) proto.Message {
			return &managementv1.GetPasswordComplexityPolicyResponse{IsDefault: isDefault, Policy: &policyv1.PasswordComplexityPolicy{
				Details: details, IsDefault: isDefault, MinLength: length, HasUppercase: all, HasLowercase: all, HasNumber: all, HasSymbol: true,
			}}
		}
	}
	lengths := map[bool]uint64{false: 20, true: 30}
	return policyCalls{
		get: func(ctx context.Context, c *servertest.Caller) (proto.Message, error) {
			return c.Management.GetPasswordComplexityPolicy(ctx, &managementv1.GetPasswordComplexityPolicyRequest{})
		},
		getDefault: func(ctx context.Context, c *servertest.Caller) (proto.Message, error) {
			got, err := c.Management.GetDefaultPasswordComplexityPolicy(ctx, &managementv1.GetDefaultPasswordComplexityPolicyRequest{})
			return &managementv1.GetPasswordComplexityPolicyResponse{Policy: got.GetPolicy(), IsDefault: true}, err
		},
		add: func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error) {
			return c.Management.AddCustomPasswordComplexityPolicy(ctx, &managementv1.AddCustomPasswordComplexityPolicyRequest{MinLength: lengths[second], HasSymbol: true})
		},
		update: func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error) {
			return c.Management.UpdateCustomPasswordComplexityPolicy(ctx, &managementv1.UpdateCustomPasswordComplexityPolicyRequest{MinLength: lengths[second], HasSymbol: true})
		},
		reset: func(ctx context.Context, c *servertest.Caller) (detailed, error) {
			return c.Management.ResetPasswordComplexityPolicyToDefault(ctx, &managementv1.ResetPasswordComplexityPolicyToDefaultRequest{})
		},
		setInstance: func(ctx context.Context, c *servertest.Caller) error {
			_, err := c.Admin.UpdatePasswordComplexityPolicy(ctx, &adminv1.UpdatePasswordComplexityPolicyRequest{MinLength: 40, HasSymbol: true})
			return err
		},
		builtIn: policy(8, true), ofInstance: policy(40, false), first: policy(20, false), second: policy(30, false),
	}
}

func passwordAge() policyCalls {
	policy := func(days, warn uint64) func(*zitadelv1.ObjectDetails, bool) proto.Message {
		return func(details *zitadelv1.ObjectDetails, isDefault bool) proto.Message {
			return &managementv1.GetPasswordAgePolicyResponse{IsDefault: isDefault, Policy: &policyv1.PasswordAgePolicy{
				Details: details, IsDefault: isDefault, MaxAgeDays: days, ExpireWarnDays: warn,
			}}
		}
	}
	days := map[bool]uint32{false: 20, true: 30}
	return policyCalls{
		get: func(ctx context.Context, c *servertest.Caller) (proto.Message, error) {
			return c.Management.GetPasswordAgePolicy(ctx, &managementv1.GetPasswordAgePolicyRequest{})
		},
		getDefault: func(ctx context.Context, c *servertest.Caller) (proto.Message, error) {
			got, err := c.Management.GetDefaultPasswordAgePolicy(ctx, &managementv1.GetDefaultPasswordAgePolicyRequest{})
			return &managementv1.GetPasswordAgePolicyResponse{Policy: got.GetPolicy(), IsDefault: true}, err
		},
		add: func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error) {
			return c.Management.AddCustomPasswordAgePolicy(ctx, &managementv1.AddCustomPasswordAgePolicyRequest{MaxAgeDays: days[second], ExpireWarnDays: 5})
		},
		update: func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error) {
			return c.Management.UpdateCustomPasswordAgePolicy(ctx, &managementv1.UpdateCustomPasswordAgePolicyRequest{MaxAgeDays: days[second], ExpireWarnDays: 5})
		},
		reset: func(ctx context.Context, c *servertest.Caller) (detailed, error) {
			return c.Management.ResetPasswordAgePolicyToDefault(ctx, &managementv1.ResetPasswordAgePolicyToDefaultRequest{})
		},
		setInstance: func(ctx context.Context, c *servertest.Caller) error {
			_, err := c.Admin.UpdatePasswordAgePolicy(ctx, &adminv1.UpdatePasswordAgePolicyRequest{MaxAgeDays: 40, ExpireWarnDays: 6})
			return err
		},
		builtIn: policy(0, 0), ofInstance: policy(40, 6), first: policy(20, 5), second: policy(30, 5),
	}
}

func lockout() policyCalls {
	policy := func(password, otp uint64) func(*zitadelv1.ObjectDetails, bool) proto.Message {
		return func(details *zitadelv1.ObjectDetails, isDefault bool) proto.Message {
			return &managementv1.GetLockoutPolicyResponse{IsDefault: isDefault, Policy: &policyv1.LockoutPolicy{
				Details: details, IsDefault: isDefault, MaxPasswordAttempts: password, MaxOtpAttempts: otp,
			}}
		}
	}
	attempts := map[bool]uint32{false: 2, true: 3}
	return policyCalls{
		get: func(ctx context.Context, c *servertest.Caller) (proto.Message, error) {
			return c.Management.GetLockoutPolicy(ctx, &managementv1.GetLockoutPolicyRequest{})
		},
		getDefault: func(ctx context.Context, c *servertest.Caller) (proto.Message, error) {
			got, err := c.Management.GetDefaultLockoutPolicy(ctx, &managementv1.GetDefaultLockoutPolicyRequest{})
			return &managementv1.GetLockoutPolicyResponse{Policy: got.GetPolicy(), IsDefault: true}, err
		},
		add: func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error) {
			return c.Management.AddCustomLockoutPolicy(ctx, &managementv1.AddCustomLockoutPolicyRequest{MaxPasswordAttempts: attempts[second], MaxOtpAttempts: 9})
		},
		update: func(ctx context.Context, c *servertest.Caller, second bool) (detailed, error) {
			return c.Management.UpdateCustomLockoutPolicy(ctx, &managementv1.UpdateCustomLockoutPolicyRequest{MaxPasswordAttempts: attempts[second], MaxOtpAttempts: 9})
		},
		reset: func(ctx context.Context, c *servertest.Caller) (detailed, error) {
			return c.Management.ResetLockoutPolicyToDefault(ctx, &managementv1.ResetLockoutPolicyToDefaultRequest{})
		},
		setInstance: func(ctx context.Context, c *servertest.Caller) error {
			_, err := c.Admin.UpdateLockoutPolicy(ctx, &adminv1.UpdateLockoutPolicyRequest{MaxPasswordAttempts: 4, MaxOtpAttempts: 8})
			return err
		},
		builtIn: policy(0, 0), ofInstance: policy(4, 8), first: policy(2, 9), second: policy(3, 9),
	}
}

// The organization's policy counts, else that of the instance, else what is
// built in.
func TestPolicies(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, p := range servertest.Protocols {
			for name, calls := range policies {
				t.Run(string(p)+"/"+name, func(t *testing.T) {
					i := s.NewInstance(t, "acme-"+string(p)+"-"+name[len(name)-3:])
					testPolicies(t, s, i, i.Owner.Via(p), calls)
				})
			}
		}
	})
}

func testPolicies(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller, calls policyCalls) {
	ctx, org := t.Context(), i.OrganizationID
	elsewhere := c.In(i.NewOrganization(t, "second"))
	s.Equal(t, servertest.OK(calls.get(ctx, c))(t), calls.builtIn(details(7, i.ID), true))
	s.Equal(t, servertest.OK(calls.getDefault(ctx, c))(t), calls.builtIn(details(7, i.ID), true))
	_, err := calls.update(ctx, c, false)
	servertest.Refused(t, err, connect.CodeNotFound, "policy.missing")
	_, err = calls.reset(ctx, c)
	servertest.Refused(t, err, connect.CodeNotFound, "policy.missing")

	added := servertest.OK(calls.add(ctx, c, false))(t).GetDetails()
	s.Equal(t, added, details(6, org))
	_, err = calls.add(ctx, c, true)
	servertest.Refused(t, err, connect.CodeAlreadyExists, "policy.exists")
	s.Equal(t, servertest.OK(calls.get(ctx, c))(t), calls.first(details(6, org), false))
	s.Equal(t, servertest.OK(calls.get(ctx, elsewhere))(t), calls.builtIn(details(7, i.ID), true))

	_, err = calls.update(ctx, c, false)
	servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
	updated := servertest.OK(calls.update(ctx, c, true))(t).GetDetails()
	s.Equal(t, updated, details(7, org))
	if !updated.GetCreationDate().AsTime().Equal(added.GetCreationDate().AsTime()) {
		t.Error("the update moved the time of creation")
	}
	s.Equal(t, servertest.OK(calls.get(ctx, c))(t), calls.second(details(7, org), false))

	if err := calls.setInstance(ctx, c); err != nil {
		t.Fatal(err)
	}
	s.Equal(t, servertest.OK(calls.getDefault(ctx, c))(t), calls.ofInstance(details(8, i.ID), true))
	s.Equal(t, servertest.OK(calls.get(ctx, elsewhere))(t), calls.ofInstance(details(8, i.ID), true))
	s.Equal(t, servertest.OK(calls.get(ctx, c))(t), calls.second(details(7, org), false))
	s.Equal(t, servertest.OK(calls.reset(ctx, c))(t).GetDetails(), details(8, org))
	s.Equal(t, servertest.OK(calls.get(ctx, c))(t), calls.ofInstance(details(8, i.ID), true))
}

// Only who may write policies of the chosen organization does.
func TestPoliciesOfOthers(t *testing.T) {
	owner := servertest.NewSystemUser(t, "orgs", caller.Membership{Level: caller.SystemLevel, Roles: []string{"ORG_OWNER"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		nobody := i.NewToken(t, i.NewMachine(t, "nobody"))
		_, err := lockout().add(t.Context(), nobody, false)
		servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
		system := s.AsSystemUser(t, owner).On(i.Domain)
		_, err = lockout().reset(t.Context(), system)
		servertest.Refused(t, err, connect.CodeNotFound, "auth.organization_missing")
		servertest.OK(lockout().add(t.Context(), system.In(i.OrganizationID), false))(t)
	}, owner.Option)
}

func TestPasswordLengthOfPolicies(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for _, length := range []uint64{0, 73, 1<<32 + 8, 1<<64 - 1} {
			_, add := i.Owner.Management.AddCustomPasswordComplexityPolicy(t.Context(), &managementv1.AddCustomPasswordComplexityPolicyRequest{MinLength: length})
			_, update := i.Owner.Management.UpdateCustomPasswordComplexityPolicy(t.Context(), &managementv1.UpdateCustomPasswordComplexityPolicyRequest{MinLength: length})
			servertest.Refused(t, add, connect.CodeInvalidArgument, "request.invalid")
			servertest.Refused(t, update, connect.CodeInvalidArgument, "request.invalid")
		}
	})
}

// What passwords of people have to be like follows the organization's policy.
func TestPasswordsFollowThePolicy(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		servertest.OK(i.Owner.Management.AddCustomPasswordComplexityPolicy(t.Context(), &managementv1.AddCustomPasswordComplexityPolicyRequest{MinLength: 3}))(t)
		add := func(c *servertest.Caller, name string) error {
			_, err := c.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
				UserName: name, Password: "abc",
				Profile: &managementv1.ImportHumanUserRequest_Profile{FirstName: name, LastName: "Person"},
				Email:   &managementv1.ImportHumanUserRequest_Email{Email: name + "@example.com", IsEmailVerified: true},
			})
			return err
		}
		if err := add(i.Owner, "ann"); err != nil {
			t.Error(err)
		}
		servertest.Refused(t, add(i.Owner.In(i.NewOrganization(t, "second")), "bob"), connect.CodeInvalidArgument, "password.policy")
	})
}
