package management

import (
	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/v1/message"
)

// userGrantCondition returns the condition of a query.
func userGrantCondition(q *userv1.UserGrantQuery) predicate.UserGrant {
	switch q := q.GetQuery().(type) {
	case *userv1.UserGrantQuery_ProjectIdQuery:
		return grant.WhereProject(q.ProjectIdQuery.GetProjectId())
	case *userv1.UserGrantQuery_UserIdQuery:
		return grant.WhereUser(q.UserIdQuery.GetUserId())
	case *userv1.UserGrantQuery_InUserIdsQuery:
		return grant.WhereAny(q.InUserIdsQuery.GetInUserIds()...)
	case *userv1.UserGrantQuery_UserTypeQuery:
		return grant.WhereType(userTypes[q.UserTypeQuery.GetType()]...)
	case *userv1.UserGrantQuery_RoleKeyQuery:
		return grant.WhereRole(message.TextMethod(q.RoleKeyQuery.GetMethod()), q.RoleKeyQuery.GetRoleKey())
	case *userv1.UserGrantQuery_ProjectGrantIdQuery:
		if q.ProjectGrantIdQuery.GetProjectGrantId() != "" {
			return usergrant.IDIn() // none: no project is granted to an organization
		}
	}
	if column, text, needle := userGrantText(q); text != nil {
		return grant.WhereText(column, message.TextMethod(text.GetMethod()), needle)
	}
	return func(*sql.Selector) {} // with the grants of granted projects, of which there are none
}

// userTypes are the types of users that a type of the contract means.
var userTypes = map[userv1.Type][]user.Type{
	userv1.Type_TYPE_HUMAN:   {user.TypeHuman},
	userv1.Type_TYPE_MACHINE: {user.TypeMachine},
}

// textQuery is a query by a text.
type textQuery interface {
	GetMethod() zitadelv1.TextQueryMethod
}

// userGrantText returns the text that a query is about, nil if it is about
// none, and what is searched for.
func userGrantText(q *userv1.UserGrantQuery) (grant.TextColumn, textQuery, string) {
	switch q := q.GetQuery().(type) {
	case *userv1.UserGrantQuery_UserNameQuery:
		return grant.UserName, q.UserNameQuery, q.UserNameQuery.GetUserName()
	case *userv1.UserGrantQuery_FirstNameQuery:
		return grant.FirstName, q.FirstNameQuery, q.FirstNameQuery.GetFirstName()
	case *userv1.UserGrantQuery_LastNameQuery:
		return grant.LastName, q.LastNameQuery, q.LastNameQuery.GetLastName()
	case *userv1.UserGrantQuery_DisplayNameQuery:
		return grant.DisplayName, q.DisplayNameQuery, q.DisplayNameQuery.GetDisplayName()
	case *userv1.UserGrantQuery_EmailQuery:
		return grant.Email, q.EmailQuery, q.EmailQuery.GetEmail()
	case *userv1.UserGrantQuery_ProjectNameQuery:
		return grant.ProjectName, q.ProjectNameQuery, q.ProjectNameQuery.GetProjectName()
	case *userv1.UserGrantQuery_OrgNameQuery:
		return grant.OrganizationName, q.OrgNameQuery, q.OrgNameQuery.GetOrgName()
	case *userv1.UserGrantQuery_OrgDomainQuery:
		return grant.OrganizationDomain, q.OrgDomainQuery, q.OrgDomainQuery.GetOrgDomain()
	}
	return 0, nil, ""
}
