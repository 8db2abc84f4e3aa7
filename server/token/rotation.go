package token

import (
	"context"
	"errors"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/store/across"
)

// DefaultKeyLifetime is how long a signing key signs unless something else is
// configured.
const DefaultKeyLifetime = 90 * 24 * time.Hour

const (
	// announcement is how long a key is published before it signs, so that those
	// who keep what is published learn of it in time. Of a short lifetime it is a
	// fourth.
	announcement = 24 * time.Hour
	// At the latest RotateDue looks again after it, for others activate and
	// announce keys too; and at the earliest after the other.
	latestLook   = time.Hour
	earliestLook = time.Second
)

// duty is something that is done to signing keys at their time.
type duty struct {
	// of is which keys it is done to, once a time of theirs is past by so much.
	of    predicate.SigningKey
	time  string
	since func(*ent.SigningKey) *time.Time
	after time.Duration
	do    func(context.Context, predicate.SigningKey, *ent.SigningKey) error
}

// due is the condition of the keys that the duty is to be done to.
func (d duty) due(now time.Time) predicate.SigningKey {
	return signingkey.And(d.of, sql.FieldLTE(d.time, now.Add(-d.after)))
}

// duties returns what is done to keys, in the order in which it is: what goes
// makes room, and what was announced has come before it is asked what follows.
func (t *Tokens) duties() []duty {
	all := []duty{{
		of:   signingkey.StateEQ(signingkey.StateInactive),
		time: signingkey.FieldRetiredAt, since: func(k *ent.SigningKey) *time.Time { return k.RetiredAt }, after: publishedFor,
		do: t.removeGone,
	}, {
		of:   announced(),
		time: signingkey.FieldActivatesAt, since: func(k *ent.SigningKey) *time.Time { return k.ActivatesAt },
		do: t.activateAnnounced,
	}}
	if t.keyLifetime < 0 {
		return all
	}
	return append(all, duty{
		of:   signingkey.And(active(), withoutSuccessor),
		time: signingkey.FieldActivatedAt, since: func(k *ent.SigningKey) *time.Time { return k.ActivatedAt }, after: t.keyLifetime,
		do: t.announceSuccessor,
	})
}

// withoutSuccessor is the condition of a key in whose instance none is announced.
func withoutSuccessor(s *sql.Selector) {
	other := sql.Table(signingkey.Table).As("successor")
	s.Where(sql.NotExists(sql.Dialect(s.Dialect()).Select().From(other).Where(sql.And(
		sql.ColumnsEQ(other.C(signingkey.FieldInstanceID), s.C(signingkey.FieldInstanceID)),
		sql.EQ(other.C(signingkey.FieldState), signingkey.StateInitial),
		sql.NotNull(other.C(signingkey.FieldActivatesAt)),
	))))
}

// RotateDue does what has come due with the signing keys of all instances. A key
// that signed for its lifetime gets a successor of its kind, which is published
// at once and signs a day later; the key itself is removed when what it signed
// has expired. An instance without a key gets none.
//
// It returns when to call it again. What went wrong in an instance does not keep
// it from the others; the error tells of it. Several processes may call it.
func (t *Tokens) RotateDue(ctx context.Context) (next time.Time, err error) {
	duties := t.duties()
	var errs []error
	for _, d := range duties {
		errs = append(errs, t.eachKey(ctx, d.due(t.store.Now()), func(ctx context.Context, row *ent.SigningKey) error {
			return d.do(ctx, d.due(t.store.Now()), row)
		}))
	}
	now := t.store.Now()
	next = now.Add(latestLook)
	for _, d := range duties {
		first, err := t.firstOf(ctx, d)
		if err != nil {
			return next, errors.Join(append(errs, err)...)
		}
		if first != nil && first.Before(next) {
			next = *first
		}
	}
	if earliest := now.Add(earliestLook); next.Before(earliest) {
		next = earliest
	}
	return next, errors.Join(errs...)
}

// firstOf returns when the duty comes due next; nil for never.
func (t *Tokens) firstOf(ctx context.Context, d duty) (*time.Time, error) {
	row, err := t.store.Read().SigningKey.Query().
		Where(d.of, ofInstanceThere(), sql.FieldNotNull(d.time)).
		Order(ent.Asc(d.time)).
		Select(signingkey.FieldID, d.time).
		First(across.Instances(ctx))
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	at := d.since(row).Add(d.after)
	return &at, nil
}

// removeGone removes a key whose tokens have all expired.
func (t *Tokens) removeGone(ctx context.Context, due predicate.SigningKey, row *ent.SigningKey) error {
	return t.changeDue(ctx, due, row, func(ctx context.Context, c *keyChange, row *ent.SigningKey) error {
		return c.remove(ctx, row)
	})
}

// activateAnnounced has a key sign whose time has come.
func (t *Tokens) activateAnnounced(ctx context.Context, due predicate.SigningKey, row *ent.SigningKey) error {
	return t.changeDue(ctx, due, row, func(ctx context.Context, c *keyChange, row *ent.SigningKey) error {
		_, err := c.activate(ctx, row)
		return err
	})
}

// announceSuccessor makes a key of the same kind that is to follow one.
func (t *Tokens) announceSuccessor(ctx context.Context, due predicate.SigningKey, row *ent.SigningKey) error {
	made, err := t.newKeyLike(ctx, row)
	if err != nil {
		return err
	}
	return t.changeDue(ctx, due, row, func(ctx context.Context, c *keyChange, _ *ent.SigningKey) error {
		at := c.tx.Now().Add(min(announcement, t.keyLifetime/4))
		_, err := c.add(ctx, made, &at)
		return err
	})
}

func (t *Tokens) newKeyLike(ctx context.Context, row *ent.SigningKey) (newKey, error) {
	kind, err := KindOf(row)
	if err != nil {
		return newKey{}, err
	}
	return t.newSigningKey(ctx, kind)
}

// changeDue runs f on a key if it still meets the condition: another process may
// have been there before.
func (t *Tokens) changeDue(ctx context.Context, due predicate.SigningKey, row *ent.SigningKey, f func(context.Context, *keyChange, *ent.SigningKey) error) error {
	return t.changeKeys(ctx, func(ctx context.Context, c *keyChange) error {
		row, err := c.tx.SigningKey.Query().Where(signingkey.ID(row.ID), due).Only(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return f(ctx, c, row)
	})
}
