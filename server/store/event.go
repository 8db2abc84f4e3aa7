package store

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/server/caller"
)

// Object is what changes are counted on: an instance, an organization, a user,
// a project, a user grant or a signing key. What belongs to one of these counts on it.
type Object struct {
	// Type is the name of the aggregate in the history.
	Type string
	// ID is what clients know the object by.
	ID string
	// OwnerID is the organization, or the instance, that the object belongs to.
	OwnerID string
	row     reference
}

// The types of aggregates in the history.
const (
	InstanceType     = "instance"
	OrganizationType = "org"
	UserType         = "user"
	ProjectType      = "project"
	UserGrantType    = "usergrant"
	WebKeyType       = "web_key"
)

// InstanceObject returns the object that changes of an instance count on.
func InstanceObject(i *ent.Instance) Object {
	return Object{Type: InstanceType, ID: i.InstanceID, OwnerID: i.InstanceID, row: reference{table: tables[ent.TypeInstance], key: i.ID}}
}

// OrganizationObject returns the object that changes of an organization count on.
func OrganizationObject(o *ent.Organization) Object {
	return Object{Type: OrganizationType, ID: o.OrganizationID, OwnerID: o.OrganizationID, row: reference{table: tables[ent.TypeOrganization], key: o.ID}}
}

// UserObject returns the object that changes of a user count on.
func UserObject(u *ent.User) Object {
	return Object{Type: UserType, ID: u.UserID, OwnerID: u.ResourceOwner, row: reference{table: tables[ent.TypeUser], key: u.ID}}
}

// ProjectObject returns the object that changes of a project, of its roles and
// of its applications count on.
func ProjectObject(p *ent.Project) Object {
	return Object{Type: ProjectType, ID: p.ProjectID, OwnerID: p.ResourceOwner, row: reference{table: tables[ent.TypeProject], key: p.ID}}
}

// UserGrantObject returns the object that changes of a user grant count on.
func UserGrantObject(g *ent.UserGrant) Object {
	return Object{Type: UserGrantType, ID: g.GrantID, OwnerID: g.ResourceOwner, row: reference{table: tables[ent.TypeUserGrant], key: g.ID}}
}

// WebKeyObject returns the object that changes of a signing key count on. It
// belongs to its instance.
func WebKeyObject(k *ent.SigningKey) Object {
	return Object{Type: WebKeyType, ID: k.KeyID, OwnerID: k.InstanceID, row: reference{table: tables[ent.TypeSigningKey], key: k.ID}}
}

// Payload is what an event tells beside its type. Personal values go to a
// table of their own, by user, so that a person can be erased.
type Payload struct {
	Public   map[string]any
	Personal map[string]any
}

// Change says that an object changed.
type Change struct {
	// Sequence counts the changes of the object.
	Sequence int64
	At       time.Time
	OwnerID  string
}

var editorTypes = map[caller.Kind]event.EditorType{
	caller.Anonymous: event.EditorTypeNone,
	caller.User:      event.EditorTypeUser,
	caller.System:    event.EditorTypeSystem,
}

// payloadActor is where the public part of a payload tells who acted for the
// editor.
const payloadActor = "actorId"

// withActor returns the public part of a payload, and in it who acts for the
// editor, if anybody does. What tells of an actor itself stays as it is.
func withActor(public map[string]any, editor caller.Caller) map[string]any {
	if _, told := public[payloadActor]; told || editor.Actor == "" {
		return public
	}
	all := map[string]any{payloadActor: editor.Actor}
	maps.Copy(all, public)
	return all
}

// Record says what the transaction does to an object: it counts the change on
// the object's row and adds the event to the history, with the caller as who did
// it and who acts for the caller. It returns fault.NotFound when the object is
// gone.
func (tx *Tx) Record(ctx context.Context, eventType EventType, object Object, payload Payload) (Change, error) {
	change := Change{At: tx.now, OwnerID: object.OwnerID}
	var err error
	if change.Sequence, err = tx.count(ctx, object); err != nil {
		return change, err
	}
	editor := caller.From(ctx)
	create := tx.Event.Create().
		SetAggregateType(object.Type).
		SetAggregateID(object.ID).
		SetOwnerID(object.OwnerID).
		SetSequence(change.Sequence).
		SetType(string(eventType)).
		SetEditorType(editorTypes[editor.Kind]).
		SetEditorID(editor.ID).
		SetCreatedAt(tx.now)
	if public := withActor(payload.Public, editor); len(public) > 0 {
		create.SetPayload(public)
	}
	row, err := create.Save(ctx)
	if err != nil {
		return change, err
	}
	tx.recorded = true
	if len(payload.Personal) == 0 {
		return change, nil
	}
	return change, tx.PersonalData.Create().SetEventPk(row.ID).SetUserID(object.ID).SetPayload(payload.Personal).Exec(ctx)
}

// count adds one to the sequence of the object's row and returns it.
func (tx *Tx) count(ctx context.Context, object Object) (sequence int64, err error) {
	if err := tx.join(ctx); err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, tx.store.rebind(
		`UPDATE `+quote(object.row.table)+` SET sequence = sequence + 1, changed_at = ? WHERE id = ? AND instance_id = ?`+stillThere(object.row.table)+` RETURNING sequence`),
		tx.now, object.row.key, caller.InstanceOf(ctx).ID)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return 0, err
		}
		return 0, gone(object)
	}
	if err := rows.Scan(&sequence); err != nil {
		return 0, err
	}
	return sequence, errors.Join(rows.Close(), tx.touchCounted(ctx, object.row.table, sequence))
}

// Seen reports whether the history knows an object of the type with the id, be
// it there or gone: an id is never given again.
func (tx *Tx) Seen(ctx context.Context, object Object) (bool, error) {
	return tx.Event.Query().Where(event.AggregateType(object.Type), event.AggregateID(object.ID)).Exist(ctx)
}

// Position returns the position of the newest event that ctx can see; 0 when
// there is none.
func (s *Store) Position(ctx context.Context) (int64, error) {
	position, err := s.read.Event.Query().Order(ent.Desc(event.FieldID)).FirstID(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return position, err
}
