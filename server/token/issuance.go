package token

import (
	"context"
	"encoding/json"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/applicationkey"
	"github.com/bastide-id/bastide/ent/machinekey"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// issuance has the statements that add the rows of access tokens, one for each
// kind of grant. A row is added only while whom it stands for, who gets it and
// what it is got with are there and active.
type issuance map[grantKind]*store.Insertion

// grantKind says what a grant depends on.
type grantKind struct {
	user, application bool
	// proof is what the client authenticated with.
	proof proof
}

// proof is a kind of credential.
type proof int

const (
	// byNothing is for who has no credential.
	byNothing proof = iota
	byKey
	bySecret
)

// kindOf returns what a grant depends on, and the credential of the client. That
// is the grant's where the token is for the client itself. For anyone else an
// application exchanged another token, whose id is the grant's credential: that it
// was not taken back meanwhile is for the caller to see to.
func kindOf(g Grant) (kind grantKind, credential string) {
	kind = grantKind{user: g.UserKey != 0, application: g.Client.ApplicationKey != 0}
	credential = g.Credential
	if kind.user && kind.application {
		credential = g.Client.Credential
	}
	switch credential {
	case "":
		kind.proof = byNothing
	case secretCredential:
		kind.proof = bySecret
	default:
		kind.proof = byKey
	}
	return kind, credential
}

func newIssuance(s *store.Store) issuance {
	all := make(issuance)
	for _, p := range []proof{byNothing, byKey, bySecret} {
		all[grantKind{user: true, proof: p}] = nil
		all[grantKind{application: true, proof: p}] = nil
		all[grantKind{user: true, application: true, proof: p}] = nil
	}
	for kind := range all {
		all[kind] = s.Insertion(accesstoken.Table, func(r *store.NewRow) { describe(r, kind) })
	}
	return all
}

// describe says of a row what add gives values for, in the same order.
func describe(r *store.NewRow, kind grantKind) {
	for _, column := range []string{
		accesstoken.FieldTokenID, accesstoken.FieldCredential, accesstoken.FieldSource, accesstoken.FieldHash,
		accesstoken.FieldScopes, accesstoken.FieldAudience, accesstoken.FieldActor, accesstoken.FieldCreatedAt, accesstoken.FieldExpiresAt,
	} {
		r.Set(column, r.Given())
	}
	if kind.user {
		u := r.Refer(accesstoken.FieldUserPk, r.Given())
		r.Where(sql.EQ(u.C(user.FieldState), user.StateActive))
		activeOrganization(r, u.Of(user.FieldOrganizationPk))
		if !kind.application {
			requireProof(r, kind.proof, u, user.FieldSecretHash, machinekey.Table, machinekey.FieldKeyID, machinekey.FieldUserPk)
		}
	}
	if kind.application {
		a := r.Refer(accesstoken.FieldApplicationPk, r.Given())
		p := r.Join(project.Table, project.FieldID, a.Of(application.FieldProjectPk))
		r.Where(sql.EQ(a.C(application.FieldState), application.StateActive))
		r.Where(sql.EQ(p.C(project.FieldState), project.StateActive))
		activeOrganization(r, p.Of(project.FieldOrganizationPk))
		// With another method whatever it got before ends, this one too.
		r.Where(sql.EQ(a.C(application.FieldAuthMethod), r.Given()))
		r.KeepUnchanged(a)
		requireProof(r, kind.proof, a, application.FieldSecretHash, applicationkey.Table, applicationkey.FieldKeyID, applicationkey.FieldApplicationPk)
	}
}

func activeOrganization(r *store.NewRow, key store.Column) {
	o := r.Join(organization.Table, organization.FieldID, key)
	r.Where(sql.EQ(o.C(organization.FieldState), organization.StateActive))
}

// requireProof asks for the credential of the owner. Who takes it back ends the
// tokens that were got with it afterwards: it finds this one, or this one is not
// added.
func requireProof(r *store.NewRow, p proof, owner *store.NamedRow, secretHash, keys, keyID, ownerKey string) {
	switch p {
	case byKey:
		key := r.Join(keys, keyID, r.Given())
		r.Where(sql.ColumnsEQ(key.C(ownerKey), owner.C(user.FieldID)))
		r.Keep(key)
	case bySecret:
		r.Where(sql.EQ(owner.C(secretHash), r.Given()))
		r.KeepUnchanged(owner)
	}
}

// add adds the row of a token. added is false if the grant does not hold.
func (i issuance) add(ctx context.Context, g Grant, token AccessToken, now time.Time) (added bool, err error) {
	kind, credential := kindOf(g)
	statement := i[kind]
	if statement == nil {
		return false, nil // for nobody
	}
	scopes, err := list(g.Scopes)
	if err != nil {
		return false, err
	}
	audience, err := list(g.Audience)
	if err != nil {
		return false, err
	}
	var actor, source any
	if g.Actor != nil {
		actor = []byte(g.Actor)
	}
	if g.Source != "" {
		source = g.Source
	}
	values := append(make([]any, 0, 13), token.ID, g.Credential, source, id.Hash(token.Token), scopes, audience, actor, now, token.ExpiresAt)
	if kind.user {
		values = append(values, g.UserKey)
	}
	if kind.application {
		values = append(values, g.Client.ApplicationKey, g.Client.AuthMethod)
	}
	switch kind.proof {
	case byKey:
		values = append(values, credential)
	case bySecret:
		values = append(values, g.Client.SecretHash)
	}
	return statement.Add(ctx, values...)
}

// list returns a list as it is stored: [] where there is none.
func list(of []string) ([]byte, error) {
	if of == nil {
		of = []string{}
	}
	return json.Marshal(of)
}
