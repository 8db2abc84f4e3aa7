package admin_test

import (
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	policyv1 "github.com/bastide-id/bastide/gen/zitadel/policy/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// eachInstance runs a test with a fresh instance for each protocol.
func eachInstance(t *testing.T, test func(*testing.T, *servertest.Server, servertest.Tenant, *servertest.Caller)) {
	t.Helper()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, p := range servertest.Protocols {
			t.Run(string(p), func(t *testing.T) {
				i := s.NewInstance(t, "acme-"+string(p))
				test(t, s, i, i.Owner.Via(p))
			})
		}
	})
}

func TestPasswordComplexityPolicy(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		want := func(policy *policyv1.PasswordComplexityPolicy) {
			t.Helper()
			policy.IsDefault = true
			got := servertest.OK(c.Admin.GetPasswordComplexityPolicy(t.Context(), &adminv1.GetPasswordComplexityPolicyRequest{}))(t)
			s.Equal(t, got, &adminv1.GetPasswordComplexityPolicyResponse{Policy: policy})
		}
		want(&policyv1.PasswordComplexityPolicy{Details: details(7, i.ID), MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true})
		request := &adminv1.UpdatePasswordComplexityPolicyRequest{MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true}
		_, err := c.Admin.UpdatePasswordComplexityPolicy(t.Context(), request)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		request.HasSymbol = false
		got := servertest.OK(c.Admin.UpdatePasswordComplexityPolicy(t.Context(), request))(t)
		s.Equal(t, got, &adminv1.UpdatePasswordComplexityPolicyResponse{Details: details(8, i.ID)})
		request.MinLength = 72
		got = servertest.OK(c.Admin.UpdatePasswordComplexityPolicy(t.Context(), request))(t)
		s.Equal(t, got, &adminv1.UpdatePasswordComplexityPolicyResponse{Details: details(9, i.ID)})
		want(&policyv1.PasswordComplexityPolicy{Details: details(9, i.ID), MinLength: 72, HasUppercase: true, HasLowercase: true, HasNumber: true})
		_, err = c.Admin.UpdatePasswordComplexityPolicy(t.Context(), request)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		for _, length := range []uint32{0, 73, 1 << 31} {
			request.MinLength = length
			_, err = c.Admin.UpdatePasswordComplexityPolicy(t.Context(), request)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		}
	})
}

func TestPasswordAgePolicy(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		want := func(policy *policyv1.PasswordAgePolicy) {
			t.Helper()
			policy.IsDefault = true
			got := servertest.OK(c.Admin.GetPasswordAgePolicy(t.Context(), &adminv1.GetPasswordAgePolicyRequest{}))(t)
			s.Equal(t, got, &adminv1.GetPasswordAgePolicyResponse{Policy: policy})
		}
		want(&policyv1.PasswordAgePolicy{Details: details(7, i.ID)})
		_, err := c.Admin.UpdatePasswordAgePolicy(t.Context(), &adminv1.UpdatePasswordAgePolicyRequest{})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		request := &adminv1.UpdatePasswordAgePolicyRequest{MaxAgeDays: 365, ExpireWarnDays: 10}
		got := servertest.OK(c.Admin.UpdatePasswordAgePolicy(t.Context(), request))(t)
		s.Equal(t, got, &adminv1.UpdatePasswordAgePolicyResponse{Details: details(8, i.ID)})
		want(&policyv1.PasswordAgePolicy{Details: details(8, i.ID), MaxAgeDays: 365, ExpireWarnDays: 10})
		_, err = c.Admin.UpdatePasswordAgePolicy(t.Context(), request)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		// Back to what is built in: that is a change, too.
		servertest.OK(c.Admin.UpdatePasswordAgePolicy(t.Context(), &adminv1.UpdatePasswordAgePolicyRequest{}))(t)
		want(&policyv1.PasswordAgePolicy{Details: details(9, i.ID)})
	})
}

func TestLockoutPolicy(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		want := func(policy *policyv1.LockoutPolicy) {
			t.Helper()
			policy.IsDefault = true
			got := servertest.OK(c.Admin.GetLockoutPolicy(t.Context(), &adminv1.GetLockoutPolicyRequest{}))(t)
			s.Equal(t, got, &adminv1.GetLockoutPolicyResponse{Policy: policy})
		}
		want(&policyv1.LockoutPolicy{Details: details(7, i.ID)})
		request := &adminv1.UpdateLockoutPolicyRequest{MaxPasswordAttempts: 5, MaxOtpAttempts: 1<<32 - 1}
		got := servertest.OK(c.Admin.UpdateLockoutPolicy(t.Context(), request))(t)
		s.Equal(t, got, &adminv1.UpdateLockoutPolicyResponse{Details: details(8, i.ID)})
		want(&policyv1.LockoutPolicy{Details: details(8, i.ID), MaxPasswordAttempts: 5, MaxOtpAttempts: 1<<32 - 1})
		_, err := c.Admin.UpdateLockoutPolicy(t.Context(), request)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
	})
}

func TestRestrictions(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		want := func(restrictions *adminv1.GetRestrictionsResponse, allowed ...string) {
			t.Helper()
			s.Equal(t, servertest.OK(c.Admin.GetRestrictions(t.Context(), &adminv1.GetRestrictionsRequest{}))(t), restrictions)
			got := servertest.OK(c.Admin.GetAllowedLanguages(t.Context(), &adminv1.GetAllowedLanguagesRequest{}))(t)
			s.Equal(t, got, &adminv1.GetAllowedLanguagesResponse{Languages: allowed})
		}
		set := func(disallow *bool, languages ...string) (*zitadelv1.ObjectDetails, error) {
			request := &adminv1.SetRestrictionsRequest{DisallowPublicOrgRegistration: disallow}
			if languages != nil {
				request.AllowedLanguages = &adminv1.SelectLanguages{List: languages}
			}
			got, err := c.Admin.SetRestrictions(t.Context(), request)
			return got.GetDetails(), err
		}
		yes, no := true, false
		want(&adminv1.GetRestrictionsResponse{Details: details(7, i.ID)}, supported...)
		_, err := set(nil)
		servertest.Refused(t, err, connect.CodeInvalidArgument, "restrictions.empty")
		_, err = set(&no)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		for id, languages := range map[string][]string{
			"language.unsupported":     {"en", "tlh"},
			"language.repeated":        {"en", "de", "en"},
			"language.default_missing": {"de", "fr"},
		} {
			_, err := set(&yes, languages...)
			servertest.Refused(t, err, connect.CodeInvalidArgument, id)
		}
		for _, tag := range []string{"", "EN", "en-US", "en ", "e\u0301"} {
			_, err := set(nil, "en", tag)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "language.unsupported")
		}
		s.Equal(t, servertest.OK(set(nil, "de", "en"))(t), details(8, i.ID))
		want(&adminv1.GetRestrictionsResponse{Details: details(8, i.ID), AllowedLanguages: []string{"de", "en"}}, "de", "en")
		s.Equal(t, servertest.OK(set(&yes))(t), details(9, i.ID)) // and the languages stay
		want(&adminv1.GetRestrictionsResponse{Details: details(9, i.ID), DisallowPublicOrgRegistration: true, AllowedLanguages: []string{"de", "en"}}, "de", "en")
		_, err = set(&yes, "de", "en")
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
	})
}

// An empty list is one that was sent: all languages are allowed again.
func TestRestrictionsWithAnEmptyList(t *testing.T) {
	eachInstance(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, c *servertest.Caller) {
		for _, languages := range [][]string{{"en"}, {}} {
			servertest.OK(c.Admin.SetRestrictions(t.Context(), &adminv1.SetRestrictionsRequest{AllowedLanguages: &adminv1.SelectLanguages{List: languages}}))(t)
		}
		s.Equal(t, servertest.OK(c.Admin.GetRestrictions(t.Context(), nil))(t), &adminv1.GetRestrictionsResponse{Details: details(9, i.ID)})
		_, err := c.Admin.SetRestrictions(t.Context(), &adminv1.SetRestrictionsRequest{AllowedLanguages: &adminv1.SelectLanguages{}})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
	})
}
