package system_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// refusal is a change that makes a request one to be refused with InvalidArgument,
// and the id of that error.
type refusal struct {
	change func(*systemv1.CreateInstanceRequest)
	id     string
}

func onHuman(change func(*systemv1.CreateInstanceRequest_Human)) func(*systemv1.CreateInstanceRequest) {
	return func(r *systemv1.CreateInstanceRequest) {
		h := human()
		change(h.Human)
		r.Owner = h
	}
}

func onMachine(change func(*systemv1.CreateInstanceRequest_Machine)) func(*systemv1.CreateInstanceRequest) {
	return func(r *systemv1.CreateInstanceRequest) { change(r.GetMachine()) }
}

func withPassword(password string) func(*systemv1.CreateInstanceRequest) {
	return onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Password.Password = password })
}

func refusals() map[string]refusal {
	past, text := timestamppb.New(time.Now().Add(-time.Second)), strings.Repeat("ä", 201)
	const invalid = "request.invalid"
	return map[string]refusal{
		"no name":           {func(r *systemv1.CreateInstanceRequest) { r.InstanceName = "" }, invalid},
		"long name":         {func(r *systemv1.CreateInstanceRequest) { r.InstanceName = text }, invalid},
		"NUL":               {func(r *systemv1.CreateInstanceRequest) { r.InstanceName = "a\x00b" }, "request.nul"},
		"long org":          {func(r *systemv1.CreateInstanceRequest) { r.FirstOrgName = text }, invalid},
		"no owner":          {func(r *systemv1.CreateInstanceRequest) { r.Owner = nil }, invalid},
		"underscore":        {func(r *systemv1.CreateInstanceRequest) { r.DefaultLanguage = "en_US" }, "language.invalid"},
		"language":          {func(r *systemv1.CreateInstanceRequest) { r.DefaultLanguage = "english!" }, "language.invalid"},
		"no user name":      {onMachine(func(m *systemv1.CreateInstanceRequest_Machine) { m.UserName = "" }), invalid},
		"no machine name":   {onMachine(func(m *systemv1.CreateInstanceRequest_Machine) { m.Name = "" }), invalid},
		"token in the past": {onMachine(func(m *systemv1.CreateInstanceRequest_Machine) { m.PersonalAccessToken.ExpirationDate = past }), invalid},
		"key in the past": {onMachine(func(m *systemv1.CreateInstanceRequest_Machine) {
			m.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{Type: keyJSON, ExpirationDate: past}
		}), invalid},
		"key of no type": {onMachine(func(m *systemv1.CreateInstanceRequest_Machine) {
			m.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{}
		}), invalid},
		"key of another type": {onMachine(func(m *systemv1.CreateInstanceRequest_Machine) {
			m.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{Type: 2}
		}), invalid},
		"no e-mail":         {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Email = nil }), invalid},
		"empty e-mail":      {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Email.Email = "" }), invalid},
		"not an e-mail":     {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Email.Email = "ada" }), invalid},
		"no profile":        {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Profile = nil }), invalid},
		"no first name":     {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Profile.FirstName = "" }), invalid},
		"no last name":      {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Profile.LastName = "" }), invalid},
		"person's language": {onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Profile.PreferredLanguage = "e" }), "language.invalid"},
		"short password":    {withPassword("Sho-rt1"), "password.policy"},
		"no upper case":     {withPassword("secret-password1"), "password.policy"},
		"no lower case":     {withPassword("SECRET-PASSWORD1"), "password.policy"},
		"no digit":          {withPassword("Secret-Password"), "password.policy"},
		"no symbol":         {withPassword("SecretPassword1"), "password.policy"},
		"long password":     {withPassword(strings.Repeat("Aa1-", 51)), invalid},
	}
}

// What breaks a rule is refused, and leaves no trace.
func TestCreateInstanceRefusals(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		before, system := s.Rows(t), s.AsSystem(t)
		for name, refusal := range refusals() {
			t.Run(name, func(t *testing.T) {
				_, err := system.System.CreateInstance(t.Context(), request(refusal.change))
				servertest.Refused(t, err, connect.CodeInvalidArgument, refusal.id)
			})
		}
		servertest.SameRows(t, before, s.Rows(t))
		// The request that they were made of is a valid one.
		servertest.OK(system.System.CreateInstance(t.Context(), request(func(*systemv1.CreateInstanceRequest) {})))(t)
	})
}

// Every field that is wrong is named at once, also those that no rule of the
// contract can judge.
func TestCreateInstanceNamesEveryField(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		_, err := s.AsSystem(t).System.CreateInstance(t.Context(), request(func(r *systemv1.CreateInstanceRequest) {
			r.CustomDomain, r.DefaultLanguage = "a b", "!!"
			withPassword("short")(r)
		}))
		servertest.Refused(t, err, connect.CodeInvalidArgument, "domain.invalid")
		for _, field := range []string{"custom_domain: ", "default_language: ", "human.password.password: "} {
			if !strings.Contains(err.Error(), field) {
				t.Errorf("%q is not in %v", field, err)
			}
		}
	})
}
