// Package instance has what more than one call does with instances.
package instance

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/removal"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// New is an instance to be created.
type New struct {
	Name string
	// FirstOrganization is the name of the first organization; that of the
	// instance by default.
	FirstOrganization string
	// CustomDomain is in ASCII form; empty for none. It becomes primary.
	CustomDomain string
	// DefaultLanguage is a BCP 47 tag; English by default.
	DefaultLanguage string
	Owner           user.New
	// OwnerPaths name the request fields of the owner.
	OwnerPaths user.Paths
	// Token and Key are handed to an owner that is a machine.
	Token, Key *Credential
}

// Credential is a token or key to be made.
type Credential struct {
	// ExpiresAt is nil for one that does not expire.
	ExpiresAt *time.Time
}

// Created is what Create made, with the secrets that nobody can read again.
type Created struct {
	InstanceID string
	// Change is that of the first organization.
	Change              store.Change
	PersonalAccessToken string
	MachineKey          []byte
}

// Instances creates and removes instances.
type Instances struct {
	Store  *store.Store
	Users  *user.Users
	Tokens *token.Tokens
	// Removals erases what Remove leaves.
	Removals *removal.Runner
	// ExternalDomain is what generated domains are made below.
	ExternalDomain string
}

// defaultLanguage is that of an instance whose creator named none.
const defaultLanguage = "en"

// prepared has everything that takes long, made before the transaction.
type prepared struct {
	New
	instanceID, organizationID string
	owner                      user.Prepared
	token                      *token.PersonalAccessToken
	key                        *token.MachineKey
}

// Create makes an instance with its domains, its first organization and its
// owner: IAM_OWNER of the instance and ORG_OWNER of the organization. All or
// nothing. before, if not nil, gets the secrets right before the commit; its
// error undoes everything.
//
// It returns fault.DomainTaken for a custom domain that an instance has, and
// what Users.Prepare returns.
func (i *Instances) Create(ctx context.Context, n New, before func(context.Context, *store.Tx, Created) error) (Created, error) {
	p, err := i.prepare(ctx, n)
	if err != nil {
		return Created{}, err
	}
	created := Created{InstanceID: p.instanceID}
	if p.token != nil {
		created.PersonalAccessToken = p.token.Token
	}
	if p.key != nil {
		created.MachineKey = p.key.File(p.owner.ID)
	}
	ctx = caller.InInstance(ctx, p.instanceID)
	err = i.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if created.Change, err = i.save(ctx, tx, p); err != nil || before == nil {
			return err
		}
		return before(ctx, tx, created)
	})
	return created, err
}

func (i *Instances) prepare(ctx context.Context, n New) (p prepared, err error) {
	if n.FirstOrganization == "" {
		n.FirstOrganization = n.Name
	}
	if n.DefaultLanguage == "" {
		n.DefaultLanguage = defaultLanguage
	}
	p.New = n
	if p.instanceID, err = i.Store.NewID(); err != nil {
		return p, err
	}
	if p.organizationID, err = i.Store.NewID(); err != nil {
		return p, err
	}
	if p.owner, err = i.Users.Prepare(caller.InInstance(ctx, p.instanceID), n.Owner, p.organizationID, n.OwnerPaths); err != nil {
		return p, err
	}
	if n.Token != nil {
		made, err := i.Tokens.NewPersonalAccessToken(n.Token.ExpiresAt)
		if err != nil {
			return p, err
		}
		p.token = &made
	}
	if n.Key != nil {
		made, err := i.Tokens.NewMachineKey(ctx, n.Key.ExpiresAt, nil)
		if err != nil {
			return p, err
		}
		p.key = &made
	}
	return p, nil
}

func (i *Instances) save(ctx context.Context, tx *store.Tx, p prepared) (store.Change, error) {
	row, err := i.saveInstance(ctx, tx, p)
	if err != nil {
		return store.Change{}, err
	}
	parent := i.ExternalDomain
	if p.CustomDomain != "" {
		parent = p.CustomDomain
	}
	org, change, err := organization.Create(ctx, tx, row, organization.New{ID: p.organizationID, Name: p.FirstOrganization, ParentDomain: parent})
	if err != nil {
		return change, err
	}
	if err := tx.Instance.UpdateOne(row).SetDefaultOrganizationID(org.OrganizationID).Exec(ctx); err != nil {
		return change, err
	}
	if _, err := tx.Record(ctx, store.InstanceDefaultOrgSet, store.InstanceObject(row), store.Payload{Public: map[string]any{"orgId": org.OrganizationID}}); err != nil {
		return change, err
	}
	owner, err := p.saveOwner(ctx, tx, org)
	if err != nil {
		return change, err
	}
	if _, err := membership.Add(ctx, tx, membership.OnInstance(row), owner, []string{"IAM_OWNER"}); err != nil {
		return change, err
	}
	return membership.Add(ctx, tx, membership.OnOrganization(org), owner, []string{"ORG_OWNER"})
}

func (i *Instances) saveInstance(ctx context.Context, tx *store.Tx, p prepared) (*ent.Instance, error) {
	row, err := tx.Instance.Create().
		SetName(store.Text(p.Name)).SetNameKey(store.Key(p.Name)).SetDefaultLanguage(p.DefaultLanguage).Save(ctx)
	if err != nil {
		return nil, err
	}
	object := store.InstanceObject(row)
	if _, err := tx.Record(ctx, store.InstanceAdded, object, store.Payload{Public: map[string]any{"name": row.Name}}); err != nil {
		return nil, err
	}
	if _, err := tx.Record(ctx, store.InstanceDefaultLanguageSet, object, store.Payload{Public: map[string]any{"language": row.DefaultLanguage}}); err != nil {
		return nil, err
	}
	generated := domain.Generate(p.Name, i.ExternalDomain)
	if _, err := domain.Add(ctx, tx, row, generated, true, p.CustomDomain == ""); err != nil {
		return nil, err
	}
	if p.CustomDomain != "" {
		_, err = domain.Add(ctx, tx, row, p.CustomDomain, false, true)
	}
	return row, err
}

func (p prepared) saveOwner(ctx context.Context, tx *store.Tx, org *ent.Organization) (*ent.User, error) {
	owner, _, err := p.owner.Save(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	if p.token != nil {
		if _, err := p.token.Save(ctx, tx, owner); err != nil {
			return nil, err
		}
	}
	if p.key != nil {
		if _, err := p.key.Save(ctx, tx, owner); err != nil {
			return nil, err
		}
	}
	return owner, nil
}
