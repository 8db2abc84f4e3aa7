package oauth

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/store"
)

// person is a user, who may be a machine, with its organization.
type person struct {
	kind                       user.Type
	userName, nameScope        string
	first, last, nick, display string
	language                   string
	gender                     int32
	email                      string
	emailVerified              bool
	phone                      string
	phoneVerified              bool
	changedAt                  time.Time
	ownerID, ownerName         string
	// ownerDomain is the primary domain of the organization.
	ownerDomain string
}

// findPerson finds a user; found is false for one who is gone. It returns the
// errors of the database.
func (r *claimReader) findPerson(ctx context.Context, userKey int64) (p person, found bool, err error) {
	var domain *string
	found, err = r.personRow.Row(ctx, []any{userKey},
		&p.kind, &p.userName, &p.nameScope, &p.first, &p.last, &p.nick, &p.display, &p.language, &p.gender,
		&p.email, &p.emailVerified, &p.phone, &p.phoneVerified, &p.changedAt, &p.ownerID, &p.ownerName, &domain)
	if domain != nil {
		p.ownerDomain = *domain
	}
	return p, found, err
}

// personLookup finds a user by its primary key, with its organization and the
// primary domain of that. Foreign keys never leave the instance that the query
// is confined to.
func personLookup(s *store.Store) *store.Lookup {
	return s.Lookup(user.Table, func(s *sql.Selector) {
		organizations := sql.Table(organization.Table)
		s.Join(organizations).On(s.C(user.FieldOrganizationPk), organizations.C(organization.FieldID))
		domains := joinPrimaryDomain(s, organizations)
		s.Select(
			s.C(user.FieldType), s.C(user.FieldUserName), s.C(user.FieldNameScope),
			s.C(user.FieldFirstName), s.C(user.FieldLastName), s.C(user.FieldNickName), s.C(user.FieldDisplayName),
			s.C(user.FieldPreferredLanguage), s.C(user.FieldGender),
			s.C(user.FieldEmail), s.C(user.FieldEmailVerified), s.C(user.FieldPhone), s.C(user.FieldPhoneVerified),
			s.C(user.FieldChangedAt),
			organizations.C(organization.FieldOrganizationID), organizations.C(organization.FieldName),
			domains.C(organizationdomain.FieldDomain),
		)
		s.Where(sql.EQ(s.C(user.FieldID), store.Given))
	})
}

// joinPrimaryDomain joins the primary domain of an organization, if it has one.
func joinPrimaryDomain(s *sql.Selector, organizations *sql.SelectTable) *sql.SelectTable {
	domains := sql.Table(organizationdomain.Table)
	s.LeftJoin(domains).On(organizations.C(organization.FieldID), domains.C(organizationdomain.FieldOrganizationPk)).
		OnP(sql.EQ(domains.C(organizationdomain.FieldIsPrimary), true))
	return domains
}

// preferredLoginName returns the first of the names that the user signs in with:
// a primary domain is always a verified one.
func (p person) preferredLoginName() string {
	switch {
	case p.nameScope == "":
		return p.userName
	case p.ownerDomain == "":
		return ""
	}
	return p.userName + "@" + p.ownerDomain
}

// tell adds what the scopes ask for.
func (p person) tell(c claims, a about) {
	if a.personal {
		p.tellPersonal(c, a.asks)
	}
	if a.asks.owner || a.asks.organization != "" {
		c[claimOwnerID], c[claimOwnerName], c[claimOwnerDomain] = p.ownerID, p.ownerName, p.ownerDomain
	}
	if a.asks.organization != "" {
		c[claimOrganization] = p.ownerID
	}
}

// genders have the names of the contract's numbers; what a person did not say
// has none.
var genders = map[int32]string{1: "female", 2: "male", 3: "diverse"}

// tellPersonal adds the standard claims (OpenID Connect Core 1.0, 5.1 and 5.4).
// One that has no value is left out. A machine has a name and no address.
func (p person) tellPersonal(c claims, asks asks) {
	human := p.kind == user.TypeHuman
	if asks.profile {
		c.text("name", p.display)
		c.text("preferred_username", p.preferredLoginName())
		c["updated_at"] = p.changedAt.Unix()
	}
	if asks.profile && human {
		c.text("given_name", p.first)
		c.text("family_name", p.last)
		c.text("nickname", p.nick)
		c.text("gender", genders[p.gender])
		c.text("locale", p.language)
	}
	if asks.email && p.email != "" {
		c["email"], c["email_verified"] = p.email, p.emailVerified
	}
	if asks.phone && p.phone != "" {
		c["phone_number"], c["phone_number_verified"] = p.phone, p.phoneVerified
	}
}

// text adds a claim that has a value.
func (c claims) text(name, value string) {
	if value != "" {
		c[name] = value
	}
}
