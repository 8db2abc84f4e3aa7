package token

import (
	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/applicationkey"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/store"
)

// clientLookups are the queries for clients that authenticate. They find those
// only that are active, and whatever they belong to with them.
type clientLookups struct {
	// machine finds a machine user by its id, with the hash of its secret.
	machine *store.Lookup
	// application finds one by its client id, with the hash of its secret.
	application *store.Lookup
	// applicationKey finds a key by its id, with its application.
	applicationKey *store.Lookup
}

func newClientLookups(s *store.Store) clientLookups {
	return clientLookups{
		machine: s.Lookup(user.Table, func(s *sql.Selector) {
			joinActiveOrganization(s, s.C)
			s.Select(s.C(user.FieldID), s.C(user.FieldUserID), s.C(user.FieldResourceOwner), s.C(user.FieldAccessTokenType), s.C(user.FieldSecretHash))
			s.Where(sql.EQ(s.C(user.FieldType), user.TypeMachine))
			s.Where(sql.EQ(s.C(user.FieldState), user.StateActive))
			s.Where(sql.EQ(s.C(user.FieldUserID), store.Given))
		}),
		application: s.Lookup(application.Table, func(s *sql.Selector) {
			selectApplication(s, s.C, s.C(application.FieldSecretHash))
			s.Where(sql.EQ(s.C(application.FieldClientID), store.Given))
		}),
		applicationKey: s.Lookup(applicationkey.Table, func(s *sql.Selector) {
			applications := sql.Table(application.Table).As("a")
			s.Join(applications).On(s.C(applicationkey.FieldApplicationPk), applications.C(application.FieldID))
			selectApplication(s, applications.C, s.C(applicationkey.FieldPublicKey), s.C(applicationkey.FieldExpiresAt))
			s.Where(sql.EQ(s.C(applicationkey.FieldKeyID), store.Given))
		}),
	}
}

// machinePlaces are where the columns of a machine user go.
func machinePlaces(u *ent.User) []any {
	return []any{&u.ID, &u.UserID, &u.ResourceOwner, &u.AccessTokenType, &u.SecretHash}
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
		projects.C(project.FieldID), projects.C(project.FieldProjectID), projects.C(project.FieldResourceOwner),
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
		&c.ProjectKey, &c.ProjectID, &c.OrganizationID,
	}
	return append(places, more...)
}
