package message

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/ent/predicate"
	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/store"
)

// InstanceDetail maps an instance whose domains are loaded.
func InstanceDetail(row *ent.Instance, version string) *instancev1.InstanceDetail {
	return &instancev1.InstanceDetail{
		Id:      row.InstanceID,
		Details: Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.InstanceID),
		State:   instancev1.State_STATE_RUNNING,
		Name:    row.Name,
		Version: version,
		Domains: domains(row.Edges.Domains),
	}
}

// Instance maps an instance whose domains are loaded.
func Instance(row *ent.Instance, version string) *instancev1.Instance {
	d := InstanceDetail(row, version)
	return &instancev1.Instance{Id: d.Id, Details: d.Details, State: d.State, Name: d.Name, Version: d.Version, Domains: d.Domains}
}

// domains maps the domains of an instance.
func domains(rows []*ent.InstanceDomain) []*instancev1.Domain {
	result := make([]*instancev1.Domain, len(rows))
	for i, row := range rows {
		result[i] = &instancev1.Domain{
			Details:   Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.InstanceID),
			Domain:    row.Domain,
			Primary:   row.IsPrimary,
			Generated: row.Generated,
		}
	}
	return result
}

// DomainColumn returns the column that domains are to be sorted by.
func DomainColumn(c instancev1.DomainFieldName) domain.SortColumn {
	return map[instancev1.DomainFieldName]domain.SortColumn{
		instancev1.DomainFieldName_DOMAIN_FIELD_NAME_PRIMARY:       domain.ByPrimary,
		instancev1.DomainFieldName_DOMAIN_FIELD_NAME_GENERATED:     domain.ByGenerated,
		instancev1.DomainFieldName_DOMAIN_FIELD_NAME_CREATION_DATE: domain.ByCreation,
	}[c]
}

// domainConditions returns the conditions of queries.
func domainConditions(queries []*instancev1.DomainSearchQuery) []predicate.InstanceDomain {
	conditions := make([]predicate.InstanceDomain, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *instancev1.DomainSearchQuery_DomainQuery:
			conditions[i] = domain.Matching(TextMethod(q.DomainQuery.GetMethod()), q.DomainQuery.GetDomain())
		case *instancev1.DomainSearchQuery_GeneratedQuery:
			conditions[i] = instancedomain.Generated(q.GeneratedQuery.GetGenerated())
		case *instancev1.DomainSearchQuery_PrimaryQuery:
			conditions[i] = instancedomain.IsPrimary(q.PrimaryQuery.GetPrimary())
		}
	}
	return conditions
}

// DomainQuery is what the requests that search domains have in common.
type DomainQuery interface {
	GetQuery() *zitadelv1.ListQuery
	GetQueries() []*instancev1.DomainSearchQuery
	GetSortingColumn() instancev1.DomainFieldName
}

// DomainList answers a search for domains of the instance of ctx.
func DomainList(ctx context.Context, s *store.Store, q DomainQuery) (*zitadelv1.ListDetails, []*instancev1.Domain, error) {
	details, err := ListDetails(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	rows, total, err := domain.List(ctx, s, Page(q.GetQuery()), DomainColumn(q.GetSortingColumn()), domainConditions(q.GetQueries())...)
	details.TotalResult = total
	return details, domains(rows), err
}
