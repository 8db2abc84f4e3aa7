package caller

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync/atomic"
)

// Position names a change that was committed. It is opaque: nobody can tell the
// next one, and two of them do not tell which change was first.
type Position [16]byte

// positionText refuses a second text for the same position.
var positionText = base64.RawURLEncoding.Strict()

// NewPosition returns a position that no other change has.
func NewPosition() (p Position) {
	_, _ = rand.Read(p[:]) // it never fails
	return p
}

// String returns the position as a header has it.
func (p Position) String() string { return positionText.EncodeToString(p[:]) }

// ParsePosition returns the position of a text that String returned. ok is false
// for any other.
func ParsePosition(text string) (p Position, ok bool) {
	if len(text) != positionText.EncodedLen(len(p)) {
		return p, false
	}
	n, err := positionText.Decode(p[:], []byte(text))
	return p, err == nil && n == len(p)
}

// Consistency is how a call stands to changes: to those that its caller knows
// of, and to its own.
type Consistency struct {
	// Behind tells that this process may not have heard yet of a change that the
	// caller knows of: what the call reads, it asks the database. It is set
	// before the call reads anything.
	Behind bool

	changed atomic.Pointer[Position]
}

type consistencyKey struct{}

// WithConsistency returns a context whose call stands to changes as c says.
func WithConsistency(ctx context.Context, c *Consistency) context.Context {
	return context.WithValue(ctx, consistencyKey{}, c)
}

// ConsistencyOf returns how the call of ctx stands to changes; nil outside of
// calls.
func ConsistencyOf(ctx context.Context) *Consistency {
	c, _ := ctx.Value(consistencyKey{}).(*Consistency)
	return c
}

// IsBehind reports whether the call of ctx has to ask the database.
func IsBehind(ctx context.Context) bool {
	c := ConsistencyOf(ctx)
	return c != nil && c.Behind
}

// Note remembers a change that the call made; the last one stands.
func (c *Consistency) Note(p Position) { c.changed.Store(&p) }

// Changed returns the position of the last change that the call made; made is
// false if there is none.
func (c *Consistency) Changed() (p Position, made bool) {
	if last := c.changed.Load(); last != nil {
		return *last, true
	}
	return p, false
}
