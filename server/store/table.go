package store

import (
	"strconv"
	"strings"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/applicationkey"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/ent/installation"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/ent/instancetrusteddomain"
	"github.com/bastide-id/bastide/ent/machinekey"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/organizationmetadata"
	"github.com/bastide-id/bastide/ent/ownerpolicy"
	"github.com/bastide-id/bastide/ent/password"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/personaldata"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/projectrole"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/ent/usedassertion"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/ent/usermetadata"
	"github.com/bastide-id/bastide/ent/verificationcode"
	"github.com/bastide-id/bastide/ent/workerlease"
)

// tables has the table of each type. A test compares it with the schema.
var tables = map[string]string{
	ent.TypeAccessToken:           accesstoken.Table,
	ent.TypeApplication:           application.Table,
	ent.TypeApplicationKey:        applicationkey.Table,
	ent.TypeEvent:                 event.Table,
	ent.TypeInstallation:          installation.Table,
	ent.TypeInstance:              instance.Table,
	ent.TypeInstanceDomain:        instancedomain.Table,
	ent.TypeInstanceTrustedDomain: instancetrusteddomain.Table,
	ent.TypeMachineKey:            machinekey.Table,
	ent.TypeMembership:            membership.Table,
	ent.TypeOrganization:          organization.Table,
	ent.TypeOrganizationDomain:    organizationdomain.Table,
	ent.TypeOrganizationMetadata:  organizationmetadata.Table,
	ent.TypeOwnerPolicy:           ownerpolicy.Table,
	ent.TypePassword:              password.Table,
	ent.TypePersonalAccessToken:   personalaccesstoken.Table,
	ent.TypePersonalData:          personaldata.Table,
	ent.TypeProject:               project.Table,
	ent.TypeProjectRole:           projectrole.Table,
	ent.TypeSigningKey:            signingkey.Table,
	ent.TypeUser:                  user.Table,
	ent.TypeUsedAssertion:         usedassertion.Table,
	ent.TypeUserGrant:             usergrant.Table,
	ent.TypeUserMetadata:          usermetadata.Table,
	ent.TypeVerificationCode:      verificationcode.Table,
	ent.TypeWorkerLease:           workerlease.Table,
}

// kinds has the type of each table.
var kinds = func() map[string]string {
	kinds := make(map[string]string, len(tables))
	for kind, table := range tables {
		kinds[table] = kind
	}
	return kinds
}()

// quote makes a name of the schema part of a statement.
func quote(name string) string { return `"` + name + `"` }

// rebind turns the question marks of a statement into what the database takes.
func (s *Store) rebind(query string) string {
	if s.dialect == dialect.SQLite {
		return query
	}
	var b strings.Builder
	n := 0
	for _, c := range query {
		if c == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}
