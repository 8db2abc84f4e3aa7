package message

import (
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/directory/grant"
)

var grantStates = map[usergrant.State]userv1.UserGrantState{
	usergrant.StateActive:   userv1.UserGrantState_USER_GRANT_STATE_ACTIVE,
	usergrant.StateInactive: userv1.UserGrantState_USER_GRANT_STATE_INACTIVE,
}

var grantUserTypes = map[user.Type]userv1.Type{
	user.TypeHuman:   userv1.Type_TYPE_HUMAN,
	user.TypeMachine: userv1.Type_TYPE_MACHINE,
}

// UserGrant maps a user grant for those who manage it.
func UserGrant(g grant.Grant) *userv1.UserGrant {
	return &userv1.UserGrant{
		Id:                 g.GrantID,
		Details:            Details(g.Sequence, g.CreatedAt, g.ChangedAt, g.ResourceOwner),
		RoleKeys:           g.RoleKeys,
		State:              grantStates[g.State],
		UserId:             g.User.UserID,
		UserName:           g.User.UserName,
		FirstName:          g.User.FirstName,
		LastName:           g.User.LastName,
		Email:              g.User.Email,
		DisplayName:        g.User.DisplayName,
		OrgId:              g.Organization.ID,
		OrgName:            g.Organization.Name,
		OrgDomain:          g.Organization.PrimaryDomain,
		ProjectId:          g.Project.ProjectID,
		ProjectName:        g.Project.Name,
		PreferredLoginName: g.LoginNames.Preferred,
		UserType:           grantUserTypes[g.User.Type],
		GrantedOrgId:       g.Home.ID,
		GrantedOrgName:     g.Home.Name,
		GrantedOrgDomain:   g.Home.PrimaryDomain,
	}
}

// MyUserGrant maps a user grant for the user.
func MyUserGrant(g grant.Grant) *authv1.UserGrant {
	return &authv1.UserGrant{
		OrgId:       g.Organization.ID,
		ProjectId:   g.Project.ProjectID,
		UserId:      g.User.UserID,
		Roles:       g.RoleKeys,
		OrgName:     g.Organization.Name,
		GrantId:     g.GrantID,
		Details:     Details(g.Sequence, g.CreatedAt, g.ChangedAt, g.ResourceOwner),
		OrgDomain:   g.Organization.PrimaryDomain,
		ProjectName: g.Project.Name,
		RoleKeys:    g.RoleKeys,
		UserType:    grantUserTypes[g.User.Type],
		State:       grantStates[g.State],
	}
}
