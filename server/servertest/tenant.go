//go:build unix

package servertest

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// Tenant is an instance whose owner is a machine with a token.
type Tenant struct {
	// Owner calls on the domain of the instance.
	Owner *Caller
	// ID is that of the instance.
	ID             string
	Domain         string
	OrganizationID string
	OwnerID        string
	OwnerToken     string
}

// NewInstance makes an instance with a domain of its own, name.test.
func (s *Server) NewInstance(t testing.TB, name string) Tenant {
	t.Helper()
	domain := name + ".test"
	made := OK(s.AsSystem(t).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
		InstanceName: name,
		CustomDomain: domain,
		Owner: &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{
			UserName: "owner", Name: "Owner",
			PersonalAccessToken: &systemv1.CreateInstanceRequest_PersonalAccessToken{},
		}},
	}))(t)
	return s.tenant(t, made.GetInstanceId(), domain, made.GetPat())
}

// First returns the instance of the first run.
func (s *Server) First(t testing.TB) Tenant {
	t.Helper()
	return s.tenant(t, s.InstanceID, "localhost", s.OwnerToken)
}

func (s *Server) tenant(t testing.TB, id, domain, token string) Tenant {
	t.Helper()
	owner := s.As(token).On(domain)
	me := OK(owner.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t).GetUser()
	return Tenant{
		Owner: owner, ID: id, Domain: domain, OwnerToken: token,
		OwnerID: me.GetId(), OrganizationID: me.GetDetails().GetResourceOwner(),
	}
}

// NewMachine adds a machine user to the owner's organization, and returns its
// id.
func (i Tenant) NewMachine(t testing.TB, name string) string {
	t.Helper()
	return OK(i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name}))(t).GetUserId()
}

// NewToken gives a machine user a token, and returns a caller with it.
func (i Tenant) NewToken(t testing.TB, userID string) *Caller {
	t.Helper()
	made := OK(i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: userID}))(t)
	return i.Owner.server.As(made.GetToken()).On(i.Domain)
}

// NewHuman adds a person with a proved address and a password to the owner's
// organization, and returns its id.
func (i Tenant) NewHuman(t testing.TB, name string) string {
	t.Helper()
	return OK(i.Owner.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
		UserName: name,
		Profile:  &managementv1.ImportHumanUserRequest_Profile{FirstName: name, LastName: "Person"},
		Email:    &managementv1.ImportHumanUserRequest_Email{Email: name + "@example.com", IsEmailVerified: true},
		Password: HumanPassword,
	}))(t).GetUserId()
}

// HumanPassword is that of people who NewHuman adds.
const HumanPassword = "Password1!"

// As returns a caller that is the user, who may be a person: people cannot sign
// in yet. It goes behind the back of the server.
func (i Tenant) As(t testing.TB, userID string) *Caller {
	t.Helper()
	secret := id.NewToken(id.AccessToken)
	i.Write(t, func(ctx context.Context, _ *store.Store, tx *store.Tx) error {
		u, err := user.Get(ctx, tx.User, userID)
		if err != nil {
			return err
		}
		return tx.AccessToken.Create().SetTokenID("behind the back").SetAudience([]string{}).SetUser(u).SetHash(id.Hash(secret)).SetScopes([]string{token.ScopeOpenID, token.ScopeAPI}).
			SetExpiresAt(tx.Now().Add(token.Lifetime)).Exec(ctx)
	})
	return i.Owner.server.As(secret).On(i.Domain)
}

// NewOrganization adds an organization to the instance, in which nobody has a
// role of its own, and returns its id. It goes behind the back of the server.
func (i Tenant) NewOrganization(t testing.TB, name string) (organizationID string) {
	t.Helper()
	i.Write(t, func(ctx context.Context, s *store.Store, tx *store.Tx) error {
		in, err := instance.Get(ctx, tx.Instance)
		if err == nil {
			organizationID, err = s.NewID()
		}
		if err == nil {
			_, _, err = organization.Create(ctx, tx, in, organization.New{ID: organizationID, Name: name, ParentDomain: i.Domain})
		}
		return err
	})
	return organizationID
}

// Write changes the instance behind the back of the server.
func (i Tenant) Write(t testing.TB, f func(context.Context, *store.Store, *store.Tx) error) {
	t.Helper()
	p := i.Owner.server.Place
	url := string(p.Database)
	if p.Kind == SQLite {
		url = p.file()
	}
	opened, err := store.Open(t.Context(), store.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = opened.Write(caller.WithInstance(t.Context(), caller.Instance{ID: i.ID}), func(ctx context.Context, tx *store.Tx) error {
		return f(ctx, opened, tx)
	})
	if err := errors.Join(err, opened.Close()); err != nil {
		t.Fatal(err)
	}
}
