package message

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	entorganization "github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/predicate"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/store"
)

// OrganizationQuery is what the requests that search organizations have in
// common.
type OrganizationQuery interface {
	GetQuery() *zitadelv1.ListQuery
	GetQueries() []*orgv1.OrgQuery
	GetSortingColumn() orgv1.OrgFieldName
}

// Organizations answers a search for the organizations of the instance of ctx
// for which the conditions hold.
func Organizations(ctx context.Context, s *store.Store, q OrganizationQuery, conditions ...predicate.Organization) (*zitadelv1.ListDetails, []*orgv1.Org, error) {
	by := organization.ByCreation
	if q.GetSortingColumn() == orgv1.OrgFieldName_ORG_FIELD_NAME_NAME {
		by = organization.ByName
	}
	conditions = append(conditions, organizationConditions(q.GetQueries())...)
	return List(ctx, s, q, func(page store.Page) ([]*ent.Organization, uint64, error) {
		return organization.List(ctx, s, page, by, conditions...)
	}, Organization)
}

func organizationConditions(queries []*orgv1.OrgQuery) []predicate.Organization {
	conditions := make([]predicate.Organization, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *orgv1.OrgQuery_NameQuery:
			conditions[i] = organization.WhereName(TextMethod(q.NameQuery.GetMethod()), q.NameQuery.GetName())
		case *orgv1.OrgQuery_DomainQuery:
			conditions[i] = organization.WhereDomain(TextMethod(q.DomainQuery.GetMethod()), q.DomainQuery.GetDomain())
		case *orgv1.OrgQuery_StateQuery:
			conditions[i] = entorganization.StateEQ(OrganizationState(q.StateQuery.GetState()))
		case *orgv1.OrgQuery_IdQuery:
			conditions[i] = entorganization.OrganizationID(q.IdQuery.GetId())
		}
	}
	return conditions
}
