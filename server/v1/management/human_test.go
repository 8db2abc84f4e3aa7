package management_test

import (
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

const (
	unchanged = "object.unchanged"
	provider  = "notification.provider_missing"
)

func TestHumanProfile(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			name := c.Name("ada")
			id := i.NewHuman(t, name)
			get := func() *managementv1.GetHumanProfileResponse {
				t.Helper()
				return servertest.OK(c.Management.GetHumanProfile(t.Context(), &managementv1.GetHumanProfileRequest{UserId: id}))(t)
			}
			s.Equal(t, get(), &managementv1.GetHumanProfileResponse{
				Details: details(2, i.OrganizationID),
				Profile: &userv1.Profile{FirstName: name, LastName: "Person", DisplayName: name + " Person"},
			})
			request := &managementv1.UpdateHumanProfileRequest{
				UserId: id, FirstName: "Zoe\u0308", LastName: "Doe", NickName: "Z", DisplayName: "Zed",
				PreferredLanguage: "fr", Gender: userv1.Gender_GENDER_DIVERSE,
			}
			got := servertest.OK(c.Management.UpdateHumanProfile(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.UpdateHumanProfileResponse{Details: details(3, i.OrganizationID)})
			s.Equal(t, get(), &managementv1.GetHumanProfileResponse{
				Details: details(3, i.OrganizationID),
				Profile: &userv1.Profile{
					FirstName: "Zo\u00eb", LastName: "Doe", NickName: "Z", DisplayName: "Zed",
					PreferredLanguage: "fr", Gender: userv1.Gender_GENDER_DIVERSE,
				},
			})
			_, err := c.Management.UpdateHumanProfile(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			request.PreferredLanguage = "no tag"
			_, err = c.Management.UpdateHumanProfile(t.Context(), request)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "language.invalid")
		})
		keys := counted(t, s, `SELECT count(*) FROM users WHERE first_name = 'Zoë' AND first_name_key <> last_name_key AND display_name_key <> nick_name_key`)
		if keys != len(servertest.Protocols) {
			t.Errorf("%d people have new keys", keys)
		}
	})
}

func TestHumanEmail(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			name := c.Name("ada")
			id := i.NewHuman(t, name)
			get := func(want *userv1.Email, sequence uint64) {
				t.Helper()
				got := servertest.OK(c.Management.GetHumanEmail(t.Context(), &managementv1.GetHumanEmailRequest{UserId: id}))(t)
				s.Equal(t, got, &managementv1.GetHumanEmailResponse{Details: details(sequence, i.OrganizationID), Email: want})
			}
			old := &userv1.Email{Email: name + "@example.com", IsEmailVerified: true}
			get(old, 2)
			request := &managementv1.UpdateHumanEmailRequest{UserId: id, Email: "New@example.com"}
			_, err := c.Management.UpdateHumanEmail(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, provider)
			get(old, 2)
			request.IsEmailVerified = true
			got := servertest.OK(c.Management.UpdateHumanEmail(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.UpdateHumanEmailResponse{Details: details(4, i.OrganizationID)}) // changed and verified
			get(&userv1.Email{Email: "New@example.com", IsEmailVerified: true}, 4)
			for _, request.IsEmailVerified = range []bool{true, false} {
				_, err = c.Management.UpdateHumanEmail(t.Context(), request)
				servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			}
			request.Email = "no address"
			_, err = c.Management.UpdateHumanEmail(t.Context(), request)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
	})
}

func TestHumanPhone(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := i.NewHuman(t, c.Name("ada"))
			get := func(want *userv1.Phone, sequence uint64) {
				t.Helper()
				got := servertest.OK(c.Management.GetHumanPhone(t.Context(), &managementv1.GetHumanPhoneRequest{UserId: id}))(t)
				s.Equal(t, got, &managementv1.GetHumanPhoneResponse{Details: details(sequence, i.OrganizationID), Phone: want})
			}
			remove := func() (*managementv1.RemoveHumanPhoneResponse, error) {
				return c.Management.RemoveHumanPhone(t.Context(), &managementv1.RemoveHumanPhoneRequest{UserId: id})
			}
			get(&userv1.Phone{}, 2)
			_, err := remove()
			servertest.Refused(t, err, connect.CodeNotFound, "user.phone_missing")
			request := &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+41791234567"}
			_, err = c.Management.UpdateHumanPhone(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, provider)
			get(&userv1.Phone{}, 2)
			request.IsPhoneVerified = true
			got := servertest.OK(c.Management.UpdateHumanPhone(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.UpdateHumanPhoneResponse{Details: details(4, i.OrganizationID)})
			get(&userv1.Phone{Phone: "+41791234567", IsPhoneVerified: true}, 4)
			_, err = c.Management.UpdateHumanPhone(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			s.Equal(t, servertest.OK(remove())(t), &managementv1.RemoveHumanPhoneResponse{Details: details(5, i.OrganizationID)})
			get(&userv1.Phone{}, 5)
			_, err = c.Management.RemoveHumanAvatar(t.Context(), &managementv1.RemoveHumanAvatarRequest{UserId: id})
			servertest.Refused(t, err, connect.CodeNotFound, "user.avatar_missing")
		})
	})
}

// The first password and the first proved address make a person active, in
// either order.
func TestPeopleBecomeActive(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		password := func(id string) error {
			_, err := i.Owner.Management.SetHumanInitialPassword(t.Context(), &managementv1.SetHumanInitialPasswordRequest{UserId: id, Password: servertest.HumanPassword})
			return err
		}
		address := func(id string) error { // the one that is there, now proved
			_, err := i.Owner.Management.UpdateHumanEmail(t.Context(), &managementv1.UpdateHumanEmailRequest{UserId: id, Email: "ada@example.com", IsEmailVerified: true})
			return err
		}
		phone := func(id string) error { // is not asked for
			_, err := i.Owner.Management.UpdateHumanPhone(t.Context(), &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+41791234567", IsPhoneVerified: true})
			return err
		}
		for name, steps := range map[string][]func(string) error{
			"password first": {phone, password, address},
			"address first":  {address, phone, password},
		} {
			id := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), person(name)))(t).GetUserId()
			me := i.As(t, id)
			for n, step := range steps {
				_, err := me.Auth.GetMyUser(t.Context(), nil)
				servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
				if err := step(id); err != nil {
					t.Errorf("%s: step %d: %v", name, n, err)
				}
			}
			if _, err := me.Auth.GetMyUser(t.Context(), nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := counted(t, s, `SELECT count(*) FROM events WHERE type = 'user.human.email.changed'`); n != 0 {
			t.Errorf("an address that was only proved changed %d times", n)
		}
	})
}

// humanCalls are all calls of a manager about a person.
var humanCalls = map[string]func(*testing.T, *servertest.Caller, string) error{
	"GetHumanProfile": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.GetHumanProfile(t.Context(), &managementv1.GetHumanProfileRequest{UserId: id})
		return err
	},
	"GetHumanEmail": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.GetHumanEmail(t.Context(), &managementv1.GetHumanEmailRequest{UserId: id})
		return err
	},
	"GetHumanPhone": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.GetHumanPhone(t.Context(), &managementv1.GetHumanPhoneRequest{UserId: id})
		return err
	},
	"UpdateHumanProfile": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.UpdateHumanProfile(t.Context(), &managementv1.UpdateHumanProfileRequest{UserId: id, FirstName: "A", LastName: "B", DisplayName: "C"})
		return err
	},
	"UpdateHumanEmail": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.UpdateHumanEmail(t.Context(), &managementv1.UpdateHumanEmailRequest{UserId: id, Email: "a@example.com", IsEmailVerified: true})
		return err
	},
	"UpdateHumanPhone": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.UpdateHumanPhone(t.Context(), &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+1", IsPhoneVerified: true})
		return err
	},
	"SetHumanInitialPassword": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.SetHumanInitialPassword(t.Context(), &managementv1.SetHumanInitialPasswordRequest{UserId: id, Password: servertest.HumanPassword})
		return err
	},
	"SetHumanPassword": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.SetHumanPassword(t.Context(), &managementv1.SetHumanPasswordRequest{UserId: id, Password: servertest.HumanPassword})
		return err
	},
	"RemoveHumanPhone": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.RemoveHumanPhone(t.Context(), &managementv1.RemoveHumanPhoneRequest{UserId: id})
		return err
	},
	"RemoveHumanAvatar": func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.RemoveHumanAvatar(t.Context(), &managementv1.RemoveHumanAvatarRequest{UserId: id})
		return err
	},
}

// A machine is no person; who is of another organization is nobody.
func TestHumanCallsAboutOthers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, ada := i.NewMachine(t, "robot"), i.NewHuman(t, "ada")
		elsewhere := i.Owner.In(i.NewOrganization(t, "elsewhere"))
		before := s.Rows(t)
		for name, call := range humanCalls {
			t.Run(name, func(t *testing.T) {
				servertest.Refused(t, call(t, i.Owner, robot), connect.CodeFailedPrecondition, "user.not_human")
				servertest.Refused(t, call(t, i.Owner, "unknown"), connect.CodeNotFound, "object.unknown")
				servertest.Refused(t, call(t, elsewhere, ada), connect.CodeNotFound, "object.unknown")
			})
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}

// What is known of a person lies in the part of the history that can be erased,
// and the password in none.
func TestHistoryOfPeople(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		secret := "Quetzalcoatl"
		id := i.NewHuman(t, "ada")
		servertest.OK(i.Owner.Management.UpdateHumanProfile(t.Context(), &managementv1.UpdateHumanProfileRequest{
			UserId: id, FirstName: secret, LastName: secret, NickName: secret, DisplayName: secret,
		}))(t)
		servertest.OK(i.Owner.Management.UpdateHumanEmail(t.Context(), &managementv1.UpdateHumanEmailRequest{UserId: id, Email: secret + "@example.com", IsEmailVerified: true}))(t)
		servertest.OK(i.Owner.Management.UpdateHumanPhone(t.Context(), &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+41" + secret, IsPhoneVerified: true}))(t)
		servertest.OK(i.Owner.Management.SetHumanPassword(t.Context(), &managementv1.SetHumanPasswordRequest{UserId: id, Password: secret + "-1"}))(t)
		if n := counted(t, s, `SELECT count(*) FROM events WHERE CAST(payload AS TEXT) LIKE '%`+secret+`%'`); n != 0 {
			t.Errorf("%d events have personal values", n)
		}
		if n := counted(t, s, `SELECT count(*) FROM personal_data WHERE CAST(payload AS TEXT) LIKE '%`+secret+`%'`); n != 3 {
			t.Errorf("%d personal parts of events have what was set: want those of profile, e-mail and phone", n)
		}
		if n := counted(t, s, `SELECT count(*) FROM personal_data WHERE CAST(payload AS TEXT) LIKE '%`+secret+`-1%'`); n != 0 {
			t.Error("the password is in the history")
		}
	})
}
