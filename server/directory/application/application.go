// Package application has the clients and the APIs of projects.
package application

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/applicationkey"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// Config is what an administrator decides on an application, of either kind.
type Config struct {
	Kind application.Kind
	// AuthMethod is by the contract's enum of the kind.
	AuthMethod int32
	Settings   json.RawMessage
}

// methods are the ways in which applications authenticate, by kind.
var methods = map[application.Kind]struct{ secret, key []int32 }{
	application.KindOidc: {secret: []int32{OIDCBasic, OIDCPost}, key: []int32{OIDCPrivateKeyJWT}},
	application.KindAPI:  {secret: []int32{APIBasic}, key: []int32{APIPrivateKeyJWT}},
}

// The ways in which an API authenticates, by the numbers of the contract.
const (
	APIBasic int32 = iota
	APIPrivateKeyJWT
)

// API returns the configuration of an API.
func API(authMethod int32) Config {
	return Config{Kind: application.KindAPI, AuthMethod: authMethod, Settings: json.RawMessage("{}")}
}

// New is an application to be added.
type New struct {
	ID       string
	ClientID string
	Name     string
	Config   Config
	// Secret is empty for one that authenticates without.
	Secret string
}

// Prepare makes the ids, and the secret where the application authenticates
// with one. It returns fault.Unavailable when no id can be made.
func Prepare(s *store.Store, name string, c Config) (n New, err error) {
	n = New{Name: name, Config: c}
	if n.ID, err = s.NewID(); err != nil {
		return n, err
	}
	if n.ClientID, err = s.NewID(); err != nil {
		return n, err
	}
	if TakesSecret(c.Kind, c.AuthMethod) {
		n.Secret = NewSecret()
	}
	return n, nil
}

// NewSecret returns a secret that nobody has.
func NewSecret() string { return id.NewToken(id.ApplicationSecret) }

// Get returns an application of a project, or fault.ApplicationUnknown. It
// serves reads and transactions alike.
func Get(ctx context.Context, applications *ent.ApplicationClient, of *ent.Project, id string) (*ent.Application, error) {
	row, err := applications.Query().Where(application.ProjectPk(of.ID), application.ApplicationID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.ApplicationUnknown.With()
	}
	return row, err
}

// Add adds an application to a project that is locked and active, in a
// transaction that holds store.Subjects. It returns fault.ApplicationNameTaken,
// or fault.UserIDTaken when a user has brought the client id, or once did:
// tokens of either would have the same subject (RFC 9700, 4.15). The id of the
// application is no user's either.
func Add(ctx context.Context, tx *store.Tx, in *ent.Project, n New) (store.Change, error) {
	if err := user.CheckUnused(ctx, tx, n.ClientID, n.ID); err != nil {
		return store.Change{}, err
	}
	object, name := store.ProjectObject(in), store.Text(n.Name)
	_, err := tx.Record(ctx, store.ProjectApplicationAdded, object, store.Payload{Public: map[string]any{"appId": n.ID, "name": name}})
	if err != nil {
		return store.Change{}, err
	}
	change, err := tx.Record(ctx, events[n.Config.Kind].added, object, n.Config.payload(n.ID, n.ClientID))
	if err != nil {
		return change, err
	}
	create := tx.Application.Create().
		SetApplicationID(n.ID).SetProject(in).
		SetName(name).SetNameKey(store.Key(name)).
		SetKind(n.Config.Kind).SetClientID(n.ClientID).
		SetAuthMethod(n.Config.AuthMethod).SetSettings(n.Config.Settings).
		SetSequence(change.Sequence)
	if n.Secret != "" {
		create.SetSecretHash(id.Hash(n.Secret))
	}
	return change, nameTaken(create.Exec(ctx))
}

// Rename gives an application another name. It returns fault.NothingChanged or
// fault.ApplicationNameTaken.
func Rename(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application, name string) (store.Change, error) {
	name = store.Text(name)
	if name == row.Name {
		return store.Change{}, fault.NothingChanged.With()
	}
	return save(ctx, tx, of, row, store.ProjectApplicationChanged, map[string]any{"name": name},
		tx.Application.UpdateOne(row).SetName(name).SetNameKey(store.Key(name)))
}

// Configure replaces the configuration of an application. A secret that it no
// longer authenticates with ends, and with another method all access tokens that
// it got. It returns fault.ApplicationKind or fault.NothingChanged.
func Configure(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application, c Config) (store.Change, error) {
	if err := CheckKind(row, c.Kind); err != nil {
		return store.Change{}, err
	}
	same, err := sameJSON(row.Settings, c.Settings)
	if err != nil {
		return store.Change{}, err
	}
	if same && row.AuthMethod == c.AuthMethod {
		return store.Change{}, fault.NothingChanged.With()
	}
	update := tx.Application.UpdateOne(row).SetAuthMethod(c.AuthMethod).SetSettings(c.Settings)
	if !TakesSecret(c.Kind, c.AuthMethod) {
		update.ClearSecretHash()
	}
	change, err := save(ctx, tx, of, row, events[c.Kind].changed, c.payload(row.ApplicationID, row.ClientID).Public, update)
	if err != nil || row.AuthMethod == c.AuthMethod {
		return change, err
	}
	return change, endTokens(ctx, tx, row)
}

// SetSecret replaces the secret of an application of the kind. The access tokens
// that it got with the former one end. It returns fault.ApplicationKind, or
// fault.ApplicationNoSecret for one that authenticates without.
func SetSecret(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application, kind application.Kind, secret string) (store.Change, error) {
	if err := CheckKind(row, kind); err != nil {
		return store.Change{}, err
	}
	if !TakesSecret(kind, row.AuthMethod) {
		return store.Change{}, fault.ApplicationNoSecret.With()
	}
	change, err := save(ctx, tx, of, row, events[kind].secret, nil, tx.Application.UpdateOne(row).SetSecretHash(id.Hash(secret)))
	if err != nil {
		return change, err
	}
	return change, token.EndBySecret(ctx, tx, row)
}

// Deactivate keeps an application, but it cannot be used. It returns
// fault.ApplicationNotActive.
func Deactivate(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application) (store.Change, error) {
	if row.State != application.StateActive {
		return store.Change{}, fault.ApplicationNotActive.With()
	}
	return save(ctx, tx, of, row, store.ProjectApplicationDeactivated, nil, tx.Application.UpdateOne(row).SetState(application.StateInactive))
}

// Reactivate undoes Deactivate. It returns fault.ApplicationNotInactive.
func Reactivate(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application) (store.Change, error) {
	if row.State != application.StateInactive {
		return store.Change{}, fault.ApplicationNotInactive.With()
	}
	return save(ctx, tx, of, row, store.ProjectApplicationReactivated, nil, tx.Application.UpdateOne(row).SetState(application.StateActive))
}

// Remove removes an application with its keys and access tokens.
func Remove(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application) (store.Change, error) {
	change, err := tx.Record(ctx, store.ProjectApplicationRemoved, store.ProjectObject(of), store.Payload{Public: map[string]any{"appId": row.ApplicationID}})
	if err != nil {
		return change, err
	}
	return change, removeAll(ctx, tx, application.ID(row.ID))
}

// RemoveOf removes the applications of a project that is removed.
func RemoveOf(ctx context.Context, tx *store.Tx, of *ent.Project) error {
	return removeAll(ctx, tx, application.ProjectPk(of.ID))
}

// removeAll waits for those who issue tokens to the applications, so that none
// is left that points at one.
func removeAll(ctx context.Context, tx *store.Tx, which predicate.Application) error {
	if _, err := tx.Application.Query().Where(which, store.Alone).Order(ent.Asc(application.FieldID)).IDs(ctx); err != nil {
		return err
	}
	if err := token.EndTokens(ctx, tx, accesstoken.HasApplicationWith(which)); err != nil {
		return err
	}
	if _, err := tx.ApplicationKey.Delete().Where(applicationkey.HasApplicationWith(which)).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.Application.Delete().Where(which).Exec(ctx)
	return err
}

// endTokens ends all access tokens that an application got.
func endTokens(ctx context.Context, tx *store.Tx, row *ent.Application) error {
	return token.EndTokens(ctx, tx, accesstoken.ApplicationPk(row.ID))
}

// CheckKind returns fault.ApplicationKind for an application of another kind.
func CheckKind(row *ent.Application, kind application.Kind) error {
	if row.Kind != kind {
		return fault.ApplicationKind.With(row.Kind)
	}
	return nil
}

// CheckKeys returns fault.ApplicationNoKeys for an application that does not
// authenticate with keys.
func CheckKeys(row *ent.Application) error {
	if !TakesKey(row.Kind, row.AuthMethod) {
		return fault.ApplicationNoKeys.With()
	}
	return nil
}

// TakesSecret reports whether an application authenticates with a secret.
func TakesSecret(kind application.Kind, method int32) bool {
	return slices.Contains(methods[kind].secret, method)
}

// TakesKey reports whether an application authenticates with a key.
func TakesKey(kind application.Kind, method int32) bool {
	return slices.Contains(methods[kind].key, method)
}

// events are what happens to applications of a kind.
var events = map[application.Kind]struct{ added, changed, secret store.EventType }{
	application.KindOidc: {store.ProjectApplicationOIDCAdded, store.ProjectApplicationOIDCChanged, store.ProjectApplicationOIDCSecretChanged},
	application.KindAPI:  {store.ProjectApplicationAPIAdded, store.ProjectApplicationAPIChanged, store.ProjectApplicationAPISecretChanged},
}

// save records a change of an application on its project, and saves it.
func save(ctx context.Context, tx *store.Tx, of *ent.Project, row *ent.Application, as store.EventType, payload map[string]any, update *ent.ApplicationUpdateOne) (store.Change, error) {
	values := map[string]any{"appId": row.ApplicationID}
	maps.Copy(values, payload)
	change, err := tx.Record(ctx, as, store.ProjectObject(of), store.Payload{Public: values})
	if err != nil {
		return change, err
	}
	return change, nameTaken(update.SetSequence(change.Sequence).Exec(ctx))
}

func (c Config) payload(appID, clientID string) store.Payload {
	return store.Payload{Public: map[string]any{
		"appId": appID, "clientId": clientID, "authMethodType": c.AuthMethod, "settings": c.Settings,
	}}
}

// sameJSON reports whether two texts say the same: a database may have written
// one of them anew.
func sameJSON(a, b json.RawMessage) (bool, error) {
	var left, right any
	if err := errors.Join(json.Unmarshal(a, &left), json.Unmarshal(b, &right)); err != nil {
		return false, err
	}
	return reflect.DeepEqual(left, right), nil
}

func nameTaken(err error) error {
	if store.TakenColumn(err) == application.FieldNameKey {
		err = fault.ApplicationNameTaken.With().Because(err)
	}
	return err
}
