package token

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/applicationkey"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/store"
)

// clients finds clients that authenticate: those only that are active, and
// whatever they belong to with them. What it returns is shared.
type clients struct {
	// The queries: for a machine user by its id, and an application by its client
	// id, with the hash of the secret; for a key by its id, with whose it is.
	machine, application, machineKey, applicationKey *store.Lookup

	// What they found.
	machines, applications       *store.Cache[string, Client]
	machineKeys, applicationKeys *store.Cache[string, keyOwner]
}

// keyOwner is a client with one of its keys.
type keyOwner struct {
	client Client
	key    any
}

func newClients(s *store.Store) *clients {
	c := &clients{
		machine:        machineLookup(s),
		application:    applicationLookup(s),
		machineKey:     machineKeyLookup(s),
		applicationKey: applicationKeyLookup(s),
	}
	small := func(c Client) bool { return len(c.Settings) <= maxHeld }
	c.machines = store.NewCache(s, c.findMachine, ent.TypeUser, ent.TypeOrganization)
	c.applications = store.NewCache(s, c.findApplication, ent.TypeApplication, ent.TypeProject, ent.TypeOrganization).Only(small)
	c.machineKeys = store.NewCache(s, c.findMachineKey, ent.TypeMachineKey, ent.TypeUser, ent.TypeOrganization)
	c.applicationKeys = store.NewCache(s, c.findApplicationKey, ent.TypeApplicationKey, ent.TypeApplication, ent.TypeProject, ent.TypeOrganization).
		Only(func(o keyOwner) bool { return small(o.client) })
	return c
}

// ownerOf returns whose key it is, and the key; nil when there is none, or when
// it has expired by now.
func (c *clients) ownerOf(ctx context.Context, in *store.Cache[string, keyOwner], keyID string, now time.Time) (Client, any, error) {
	o, found, err := in.Get(ctx, keyID)
	if err != nil || !found || o.client.Until != nil && !o.client.Until.After(now) {
		return Client{}, nil, err
	}
	return o.client, o.key, nil
}

func (c *clients) findMachine(ctx context.Context, userID string) (Client, bool, error) {
	var u ent.User
	found, err := c.machine.Row(ctx, []any{userID}, &u.ID, &u.UserID, &u.ResourceOwner, &u.AccessTokenType, &u.SecretHash)
	return machine(&u, secretCredential), found, err
}

func (c *clients) findApplication(ctx context.Context, clientID string) (Client, bool, error) {
	found := Client{Credential: secretCredential}
	there, err := c.application.Row(ctx, []any{clientID}, applicationPlaces(&found, &found.SecretHash)...)
	return found, there, err
}

func machineLookup(s *store.Store) *store.Lookup {
	return s.Lookup(user.Table, func(s *sql.Selector) {
		joinActiveOrganization(s, s.C)
		s.Select(s.C(user.FieldID), s.C(user.FieldUserID), s.C(user.FieldResourceOwner), s.C(user.FieldAccessTokenType), s.C(user.FieldSecretHash))
		s.Where(sql.EQ(s.C(user.FieldType), user.TypeMachine))
		s.Where(sql.EQ(s.C(user.FieldState), user.StateActive))
		s.Where(sql.EQ(s.C(user.FieldUserID), store.Given))
	})
}

func applicationLookup(s *store.Store) *store.Lookup {
	return s.Lookup(application.Table, func(s *sql.Selector) {
		selectApplication(s, s.C, s.C(application.FieldSecretHash))
		s.Where(sql.EQ(s.C(application.FieldClientID), store.Given))
	})
}

func applicationKeyLookup(s *store.Store) *store.Lookup {
	return s.Lookup(applicationkey.Table, func(s *sql.Selector) {
		applications := sql.Table(application.Table).As("a")
		s.Join(applications).On(s.C(applicationkey.FieldApplicationPk), applications.C(application.FieldID))
		selectApplication(s, applications.C, s.C(applicationkey.FieldPublicKey), s.C(applicationkey.FieldExpiresAt))
		s.Where(sql.EQ(s.C(applicationkey.FieldKeyID), store.Given))
	})
}

// selectApplication selects what is known of an application, and more columns.
// Its columns are named by column. Foreign keys never leave the instance that
// the query is confined to.
func selectApplication(s *sql.Selector, column func(string) string, more ...string) {
	projects, owners := sql.Table(project.Table).As("p"), sql.Table(organization.Table).As("o")
	s.Join(projects).On(column(application.FieldProjectPk), projects.C(project.FieldID))
	s.Join(owners).On(projects.C(project.FieldOrganizationPk), owners.C(organization.FieldID))
	s.Select(
		column(application.FieldID), column(application.FieldClientID), column(application.FieldKind), column(application.FieldAuthMethod), column(application.FieldSettings),
		projects.C(project.FieldProjectID), projects.C(project.FieldResourceOwner),
	)
	s.AppendSelect(more...)
	s.Where(sql.EQ(column(application.FieldState), application.StateActive))
	s.Where(sql.EQ(projects.C(project.FieldState), project.StateActive))
	s.Where(sql.EQ(owners.C(organization.FieldState), organization.StateActive))
}

// applicationPlaces are where the columns of selectApplication go.
func applicationPlaces(c *Client, more ...any) []any {
	places := []any{
		&c.ApplicationKey, &c.ID, &c.Kind, &c.AuthMethod, (*[]byte)(&c.Settings),
		&c.ProjectID, &c.OrganizationID,
	}
	return append(places, more...)
}
