package system_test

import (
	"testing"

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
