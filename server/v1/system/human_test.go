package system_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

const (
	keyJSON  = authnv1.KeyType_KEY_TYPE_JSON
	password = "Secret-Password1"
)

func human() *systemv1.CreateInstanceRequest_Human_ {
	return &systemv1.CreateInstanceRequest_Human_{Human: &systemv1.CreateInstanceRequest_Human{
		Email:    &systemv1.CreateInstanceRequest_Email{Email: "Ada@example.com", IsEmailVerified: true},
		Profile:  &systemv1.CreateInstanceRequest_Profile{FirstName: "Ada", LastName: "Lovelace", PreferredLanguage: "en"},
		Password: &systemv1.CreateInstanceRequest_Password{Password: password, PasswordChangeRequired: true},
	}}
}

// An owner that is a person has the e-mail address for a user name, unless one
// is given. The password is kept as a hash only.
func TestHumanOwner(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		named := human()
		named.Human.UserName = "ada"
		for want, owner := range map[string]*systemv1.CreateInstanceRequest_Human_{"Ada@example.com": human(), "ada": named} {
			made := servertest.OK(s.AsSystem(t).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{InstanceName: want, Owner: owner}))(t)
			members := servertest.OK(s.AsSystem(t).System.ListIAMMembers(t.Context(), &systemv1.ListIAMMembersRequest{InstanceId: made.GetInstanceId()}))(t)
			s.Equal(t, members, &systemv1.ListIAMMembersResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1},
				Result: []*memberv1.Member{{
					UserId: members.GetResult()[0].GetUserId(), Details: details(6, made.GetInstanceId()), Roles: []string{"IAM_OWNER"},
					PreferredLoginName: want, Email: "Ada@example.com", FirstName: "Ada", LastName: "Lovelace", DisplayName: "Ada Lovelace",
					UserType: userv1.Type_TYPE_HUMAN, UserResourceOwner: made.GetDetails().GetResourceOwner(),
				}},
			})
		}
		db := s.Open(t)
		defer db.Close()
		var hashes, changes int
		query := `SELECT count(*), sum(CASE WHEN change_required THEN 1 ELSE 0 END) FROM passwords WHERE hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'`
		if err := db.QueryRow(query).Scan(&hashes, &changes); err != nil {
			t.Fatal(err)
		}
		if hashes != 2 || changes != 2 {
			t.Errorf("of 2 passwords %d are hashed and %d have to be changed", hashes, changes)
		}
	})
}

// What breaks a rule is refused, and leaves no trace.
func TestCreateInstanceRefusals(t *testing.T) {
	past, text := timestamppb.New(time.Now().Add(-time.Second)), strings.Repeat("ä", 201)
	onHuman := func(change func(*systemv1.CreateInstanceRequest_Human)) func(*systemv1.CreateInstanceRequest) {
		return func(r *systemv1.CreateInstanceRequest) {
			h := human()
			change(h.Human)
			r.Owner = h
		}
	}
	onMachine := func(change func(*systemv1.CreateInstanceRequest_Machine)) func(*systemv1.CreateInstanceRequest) {
		return func(r *systemv1.CreateInstanceRequest) { change(r.GetMachine()) }
	}
	withPassword := func(password string) func(*systemv1.CreateInstanceRequest) {
		return onHuman(func(h *systemv1.CreateInstanceRequest_Human) { h.Password.Password = password })
	}
	const invalid = "request.invalid"
	refusals := map[string]struct {
		change func(*systemv1.CreateInstanceRequest)
		id     string
	}{
		"no name":           {func(r *systemv1.CreateInstanceRequest) { r.InstanceName = "" }, invalid},
		"long name":         {func(r *systemv1.CreateInstanceRequest) { r.InstanceName = text }, invalid},
		"NUL":               {func(r *systemv1.CreateInstanceRequest) { r.InstanceName = "a\x00b" }, "request.nul"},
		"long org":          {func(r *systemv1.CreateInstanceRequest) { r.FirstOrgName = text }, invalid},
		"no owner":          {func(r *systemv1.CreateInstanceRequest) { r.Owner = nil }, invalid},
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
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		before, system := s.Rows(t), s.AsSystem(t)
		for name, refusal := range refusals {
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
