package grant

import (
	"context"
	"slices"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/project"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Grant is a user grant with what it connects, all of it loaded.
type Grant struct {
	*ent.UserGrant
	User       *ent.User
	LoginNames user.LoginNames
	Project    *ent.Project
	// Organization is that of the project, which the grant belongs to.
	Organization Organization
	// Home is the organization of the user.
	Home Organization
}

// Organization is what lists tell of an organization.
type Organization struct {
	ID            string
	Name          string
	PrimaryDomain string
}

// TextColumn is a text that grants are searched by.
type TextColumn int

// The texts that grants are searched by.
const (
	UserName TextColumn = iota
	FirstName
	LastName
	DisplayName
	Email
	ProjectName
	OrganizationName
	OrganizationDomain
)

// userColumns has the column of a user's text, and that of its key.
var userColumns = map[TextColumn][2]string{
	UserName:    {entuser.FieldUserName, entuser.FieldNameKey},
	FirstName:   {entuser.FieldFirstName, entuser.FieldFirstNameKey},
	LastName:    {entuser.FieldLastName, entuser.FieldLastNameKey},
	DisplayName: {entuser.FieldDisplayName, entuser.FieldDisplayNameKey},
	Email:       {entuser.FieldEmail, entuser.FieldEmailKey},
}

// WhereText returns the condition that a text matches: of the user, of the
// project, or of the organization that the grant belongs to.
func WhereText(column TextColumn, method store.TextMethod, needle string) predicate.UserGrant {
	switch column {
	case ProjectName:
		return usergrant.HasProjectWith(store.TextMatch(project.FieldName, project.FieldNameKey, method, needle))
	case OrganizationName:
		return usergrant.HasOrganizationWith(store.TextMatch(organization.FieldName, organization.FieldNameKey, method, needle))
	case OrganizationDomain:
		return usergrant.HasOrganizationWith(organization.HasDomainsWith(
			organizationdomain.IsPrimary(true), store.TextMatch(organizationdomain.FieldDomain, "", method, needle)))
	default:
		columns := userColumns[column]
		return usergrant.HasUserWith(store.TextMatch(columns[0], columns[1], method, needle))
	}
}

// WhereType returns the condition that the user is one of these kinds.
func WhereType(types ...entuser.Type) predicate.UserGrant {
	return usergrant.HasUserWith(entuser.TypeIn(types...))
}

// WhereProject returns the condition that the grant is of the project with the
// id.
func WhereProject(id string) predicate.UserGrant {
	return usergrant.HasProjectWith(project.ProjectID(id))
}

// WhereAny returns the condition that the grant is of one of the users.
func WhereAny(userIDs ...string) predicate.UserGrant {
	return usergrant.HasUserWith(entuser.UserIDIn(userIDs...))
}

// Get returns the grant of the instance of ctx that all conditions describe, or
// fault.GrantUnknown.
func Get(ctx context.Context, s *store.Store, conditions ...predicate.UserGrant) (Grant, error) {
	row, err := loaded(s).Where(conditions...).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.GrantUnknown.With()
	}
	if err != nil {
		return Grant{}, err
	}
	grants, err := whole(ctx, s, row)
	if err == nil && len(grants) == 0 {
		err = fault.GrantUnknown.With()
	}
	if err != nil {
		return Grant{}, err
	}
	return grants[0], nil
}

// List returns a page of the grants of the instance of ctx that match all
// conditions, by their age, and how many match.
func List(ctx context.Context, s *store.Store, page store.Page, conditions ...predicate.UserGrant) ([]Grant, uint64, error) {
	rows, total, err := store.List(ctx, s, loaded(s).Where(conditions...), page, usergrant.ByCreatedAt, usergrant.ByID)
	if err != nil {
		return nil, 0, err
	}
	grants, err := whole(ctx, s, rows...)
	return grants, total, err
}

// Roles returns the keys of the roles that a user is granted in projects,
// sorted, each once. What is inactive does not count.
func Roles(ctx context.Context, s *store.Store, userID string) ([]string, error) {
	rows, err := s.Read().UserGrant.Query().
		Where(WhereUser(userID), usergrant.StateEQ(usergrant.StateActive), usergrant.HasProjectWith(project.StateEQ(project.StateActive))).
		All(ctx)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, row := range rows {
		keys = append(keys, row.RoleKeys...)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// loaded asks for grants with all that they connect, in as many statements as
// there are kinds of rows.
func loaded(s *store.Store) *ent.UserGrantQuery {
	primary := func(q *ent.OrganizationQuery) {
		q.WithDomains(func(q *ent.OrganizationDomainQuery) { q.Where(organizationdomain.IsPrimary(true)) })
	}
	return s.Read().UserGrant.Query().WithProject().WithOrganization(primary).
		WithUser(func(q *ent.UserQuery) { q.WithOrganization(primary) })
}

// whole adds what is computed. A grant whose user or project was removed while
// it was read is left out.
func whole(ctx context.Context, s *store.Store, rows ...*ent.UserGrant) ([]Grant, error) {
	rows = slices.DeleteFunc(rows, func(row *ent.UserGrant) bool { return row.Edges.User == nil || row.Edges.Project == nil })
	users := make([]*ent.User, len(rows))
	for i, row := range rows {
		users[i] = row.Edges.User
	}
	names, err := user.LoginNamesOf(ctx, s, users...)
	if err != nil {
		return nil, err
	}
	grants := make([]Grant, len(rows))
	for i, row := range rows {
		grants[i] = Grant{
			UserGrant: row, User: users[i], LoginNames: names[i], Project: row.Edges.Project,
			Organization: organizationOf(row.ResourceOwner, row.Edges.Organization),
			Home:         organizationOf(users[i].ResourceOwner, users[i].Edges.Organization),
		}
	}
	return grants, nil
}

func organizationOf(id string, row *ent.Organization) Organization {
	o := Organization{ID: id}
	if row == nil {
		return o // removed while it was read
	}
	o.Name = row.Name
	for _, domain := range row.Edges.Domains {
		o.PrimaryDomain = domain.Domain
	}
	return o
}
