package system

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	entinstance "github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/ent/predicate"
	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Instances are the calls about instances.
type Instances struct {
	store     *store.Store
	instances *instance.Instances
	version   string
}

// CreateInstance creates an instance with its first organization and owner.
func (s Instances) CreateInstance(ctx context.Context, req *systemv1.CreateInstanceRequest) (*systemv1.CreateInstanceResponse, error) {
	n := instance.New{
		Name:              req.GetInstanceName(),
		FirstOrganization: req.GetFirstOrgName(),
		DefaultLanguage:   req.GetDefaultLanguage(),
	}
	switch owner := req.GetOwner().(type) {
	case *systemv1.CreateInstanceRequest_Human_:
		n.Owner = newHuman(owner.Human)
		n.OwnerPaths = user.Paths{PreferredLanguage: "human.profile.preferred_language", Password: "human.password.password"}
	case *systemv1.CreateInstanceRequest_Machine_:
		n.Owner = user.New{UserName: owner.Machine.GetUserName(), Machine: &user.Machine{Name: owner.Machine.GetName()}}
		if pat := owner.Machine.GetPersonalAccessToken(); pat != nil {
			n.Token = &instance.Credential{ExpiresAt: message.Expiry(pat.GetExpirationDate())}
		}
		if key := owner.Machine.GetMachineKey(); key != nil {
			n.Key = &instance.Credential{ExpiresAt: message.Expiry(key.GetExpirationDate())}
		}
	}
	if err := s.check(req, &n); err != nil {
		return nil, err
	}
	created, err := s.instances.Create(ctx, n, nil)
	if err != nil {
		return nil, err
	}
	return &systemv1.CreateInstanceResponse{
		InstanceId: created.InstanceID,
		Details:    message.Created(created.Change),
		Pat:        created.PersonalAccessToken,
		MachineKey: created.MachineKey,
	}, nil
}

// check returns fault.Invalid for every field that the contract's rules could
// not judge, and sets the domain in its ASCII form.
func (s Instances) check(req *systemv1.CreateInstanceRequest, n *instance.New) error {
	var domainErr error
	if req.GetCustomDomain() != "" {
		n.CustomDomain, domainErr = domain.Normalize("custom_domain", req.GetCustomDomain())
	}
	return fault.Join(
		domainErr,
		user.CheckLanguage("default_language", req.GetDefaultLanguage()),
		user.Check(n.Owner, n.OwnerPaths, policy.PasswordComplexity.BuiltIn()),
	)
}

func newHuman(h *systemv1.CreateInstanceRequest_Human) user.New {
	userName := h.GetUserName()
	if userName == "" {
		userName = h.GetEmail().GetEmail()
	}
	return user.New{UserName: userName, Human: &user.Human{
		FirstName:              h.GetProfile().GetFirstName(),
		LastName:               h.GetProfile().GetLastName(),
		PreferredLanguage:      h.GetProfile().GetPreferredLanguage(),
		Email:                  h.GetEmail().GetEmail(),
		EmailVerified:          h.GetEmail().GetIsEmailVerified(),
		Password:               h.GetPassword().GetPassword(),
		PasswordChangeRequired: h.GetPassword().GetPasswordChangeRequired(),
	}}
}

// GetInstance returns one instance with its domains.
func (s Instances) GetInstance(ctx context.Context, _ *systemv1.GetInstanceRequest) (*systemv1.GetInstanceResponse, error) {
	row, err := instance.WithDomains(ctx, s.store)
	if err != nil {
		return nil, err
	}
	return &systemv1.GetInstanceResponse{Instance: message.InstanceDetail(row, s.version)}, nil
}

// ListInstances returns the instances that match all queries.
func (s Instances) ListInstances(ctx context.Context, req *systemv1.ListInstancesRequest) (*systemv1.ListInstancesResponse, error) {
	ctx = across.Instances(ctx)
	order := map[instancev1.FieldName]func(...sql.OrderTermOption) entinstance.OrderOption{
		instancev1.FieldName_FIELD_NAME_UNSPECIFIED:   entinstance.ByCreatedAt,
		instancev1.FieldName_FIELD_NAME_ID:            entinstance.ByInstanceID,
		instancev1.FieldName_FIELD_NAME_NAME:          byName,
		instancev1.FieldName_FIELD_NAME_CREATION_DATE: entinstance.ByCreatedAt,
	}
	q := s.store.Read().Instance.Query().WithDomains(instance.SortDomains).Where(conditions(req.GetQueries())...)
	details, instances, err := message.List(ctx, s.store, req, func(page store.Page) ([]*ent.Instance, uint64, error) {
		return store.List(ctx, s.store, q, page, order[req.GetSortingColumn()], entinstance.ByInstanceID)
	}, func(row *ent.Instance) *instancev1.Instance { return message.Instance(row, s.version) })
	return &systemv1.ListInstancesResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: instances}, err
}

func byName(o ...sql.OrderTermOption) entinstance.OrderOption {
	return sql.OrderByField(entinstance.FieldNameKey, o...).ToFunc()
}

func conditions(queries []*instancev1.Query) []predicate.Instance {
	conditions := make([]predicate.Instance, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *instancev1.Query_IdQuery:
			conditions[i] = entinstance.InstanceIDIn(q.IdQuery.GetIds()...)
		case *instancev1.Query_DomainQuery:
			names := make([]string, 0, len(q.DomainQuery.GetDomains()))
			for _, d := range q.DomainQuery.GetDomains() {
				if name, err := domain.Normalize("domains", d); err == nil { // no instance has another
					names = append(names, name)
				}
			}
			conditions[i] = entinstance.HasDomainsWith(instancedomain.DomainIn(names...))
		}
	}
	return conditions
}

// UpdateInstance renames an instance.
func (s Instances) UpdateInstance(ctx context.Context, req *systemv1.UpdateInstanceRequest) (*systemv1.UpdateInstanceResponse, error) {
	row, change, err := s.instances.Rename(ctx, req.GetInstanceName())
	if err != nil {
		return nil, err
	}
	return &systemv1.UpdateInstanceResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// RemoveInstance removes an instance with everything in it.
func (s Instances) RemoveInstance(ctx context.Context, _ *systemv1.RemoveInstanceRequest) (*systemv1.RemoveInstanceResponse, error) {
	row, change, err := s.instances.Remove(ctx)
	if err != nil {
		return nil, err
	}
	return &systemv1.RemoveInstanceResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}
