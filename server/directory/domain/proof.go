package domain

import (
	"context"
	"slices"
	"strings"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// ProofType is how an organization proves that a domain is its own. Its values
// are those of the contract.
type ProofType int32

// The ways to prove it.
const (
	NoProof ProofType = iota
	ProofByHTTP
	ProofByDNS
)

// tokenLength makes a token that nobody guesses, of characters that may stand
// everywhere.
const tokenLength = 32

// World reads what the owner of a domain publishes.
type World interface {
	// TXT returns the texts that a name has in DNS.
	TXT(ctx context.Context, name string) ([]string, error)
	// Text returns the beginning of what a URL answers with.
	Text(ctx context.Context, url string) (string, error)
}

// Proofs let organizations prove that domains are their own.
type Proofs struct {
	Store *store.Store
	World World
}

// Proof is what an organization has to publish, and where: the URL of a text,
// or the name of a TXT record.
type Proof struct{ Token, Where string }

// Ask gives a domain of an organization a new token to be published. It returns
// fault.OrganizationDomainUnknown, or fault.OrganizationDomainVerified for one
// that needs no proof any more.
func (p Proofs) Ask(ctx context.Context, of *ent.Organization, name string, by ProofType) (Proof, error) {
	token := id.Suffix(tokenLength)
	err := p.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := findClaim(ctx, tx, of, name)
		if err != nil {
			return err
		}
		if row.Verified {
			return fault.OrganizationDomainVerified.With(name)
		}
		payload := store.Payload{Public: map[string]any{"domain": name, "validationType": by}}
		change, err := tx.Record(ctx, store.OrgDomainVerificationAdded, store.OrganizationObject(of), payload)
		if err != nil {
			return err
		}
		return tx.OrganizationDomain.UpdateOne(row).
			SetValidationType(int32(by)).SetValidationToken(token).SetSequence(change.Sequence).Exec(ctx)
	})
	return Proof{Token: token, Where: places(name, by, token)[0]}, err
}

// Check looks for the token that Ask gave a domain and, if it is there, makes
// the domain verified. A proof that is not found is recorded, too. It returns
// fault.OrganizationDomainUnknown, fault.OrganizationDomainTaken when another
// organization was faster, or fault.FailedPrecondition: nothing was asked for,
// the domain is verified already, or what was looked for is not there.
func (p Proofs) Check(ctx context.Context, of *ent.Organization, name string) (change store.Change, row *ent.OrganizationDomain, err error) {
	asked, err := getClaim(ctx, p.Store.Read().OrganizationDomain, of, name)
	if err == nil {
		err = checkAsked(asked)
	}
	if err != nil {
		return change, nil, err
	}
	missing := p.look(ctx, asked)
	if err := ctx.Err(); err != nil {
		return change, nil, err // who left proved nothing and failed at nothing
	}
	err = p.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := findClaim(ctx, tx, of, name)
		if err != nil {
			return err
		}
		if err := checkAsked(found); err != nil {
			return err
		}
		if found.ValidationToken != asked.ValidationToken {
			return fault.OrganizationDomainProofReplaced.With(name)
		}
		if missing != nil {
			_, err := tx.Record(ctx, store.OrgDomainVerificationFailed, store.OrganizationObject(of), claimed(name))
			return err
		}
		change, row, err = verify(ctx, tx, of, found)
		return err
	})
	if err == nil {
		err = missing
	}
	return change, row, err
}

func verify(ctx context.Context, tx *store.Tx, of *ent.Organization, row *ent.OrganizationDomain) (store.Change, *ent.OrganizationDomain, error) {
	change, err := tx.Record(ctx, store.OrgDomainVerified, store.OrganizationObject(of), claimed(row.Domain))
	if err != nil {
		return change, nil, err
	}
	name := row.Domain
	row, err = tx.OrganizationDomain.UpdateOne(row).SetVerified(true).SetValidationToken("").SetSequence(change.Sequence).Save(ctx)
	return change, row, taken(name, err)
}

// checkAsked returns why the proof of a domain is not to be looked for.
func checkAsked(row *ent.OrganizationDomain) error {
	switch {
	case row.Verified:
		return fault.OrganizationDomainVerified.With(row.Domain)
	case row.ValidationToken == "":
		return fault.OrganizationDomainProofUnasked.With(row.Domain)
	}
	return nil
}

// look returns nil if the proof is there. Why it is not, the caller is not
// told: it would learn what this host can reach.
func (p Proofs) look(ctx context.Context, row *ent.OrganizationDomain) error {
	by := ProofType(row.ValidationType)
	where := places(row.Domain, by, row.ValidationToken)
	if by == ProofByDNS {
		texts, err := p.World.TXT(ctx, where[0])
		if err == nil && slices.Contains(texts, row.ValidationToken) {
			return nil
		}
		return fault.OrganizationDomainProofMissing.With(row.ValidationToken, "the TXT records of "+where[0]).Because(err)
	}
	var err error
	for _, url := range where {
		var text string
		text, err = p.World.Text(ctx, url)
		// Editors end a line where the token ends.
		if err == nil && strings.TrimRight(text, "\r\n") == row.ValidationToken {
			return nil
		}
	}
	return fault.OrganizationDomainProofMissing.With(row.ValidationToken, strings.Join(where, " or ")).Because(err)
}

// places returns where a token is looked for, in turn.
func places(name string, by ProofType, token string) []string {
	if by == ProofByDNS {
		return []string{"_zitadel-challenge." + name}
	}
	path := "://" + name + "/.well-known/zitadel-challenge/" + token + ".txt"
	return []string{"https" + path, "http" + path}
}
