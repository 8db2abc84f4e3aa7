package organization

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/store"
)

// SortColumn is a column that organizations are sorted by.
type SortColumn int

// The columns that organizations are sorted by.
const (
	ByCreation SortColumn = iota
	ByName
)

// List returns a page of the organizations of the instance of ctx that match
// all conditions, with their primary domains loaded, and how many match.
func List(ctx context.Context, s *store.Store, page store.Page, by SortColumn, conditions ...predicate.Organization) ([]*ent.Organization, uint64, error) {
	order := map[SortColumn]func(...sql.OrderTermOption) organization.OrderOption{
		ByCreation: organization.ByCreatedAt,
		ByName: func(o ...sql.OrderTermOption) organization.OrderOption {
			return sql.OrderByField(organization.FieldNameKey, o...).ToFunc()
		},
	}
	q := s.Read().Organization.Query().WithDomains(primary).Where(conditions...)
	return store.List(ctx, s, q, page, order[by], organization.ByOrganizationID)
}

// WhereName returns the condition that the name matches.
func WhereName(method store.TextMethod, needle string) predicate.Organization {
	return store.TextMatch(organization.FieldName, organization.FieldNameKey, method, needle)
}

// WhereDomain returns the condition that a verified domain matches.
func WhereDomain(method store.TextMethod, needle string) predicate.Organization {
	return organization.HasDomainsWith(organizationdomain.Verified(true),
		store.TextMatch(organizationdomain.FieldDomain, "", method, needle))
}

// IsFree reports whether the instance of ctx has no organization of the name,
// and none that has proved the domain, which is in its ASCII form. What is
// empty is not asked for.
func IsFree(ctx context.Context, s *store.Store, name, domainName string) (bool, error) {
	var asked []predicate.Organization
	if name != "" {
		asked = append(asked, organization.NameKey(store.Key(name)))
	}
	if domainName != "" {
		asked = append(asked, organization.HasDomainsWith(organizationdomain.Domain(domainName), organizationdomain.Verified(true)))
	}
	if len(asked) == 0 {
		return true, nil
	}
	used, err := s.Read().Organization.Query().Where(organization.Or(asked...)).Exist(ctx)
	return !used, err
}
