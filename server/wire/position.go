package wire

import (
	"net/http"
	"strings"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// headerPosition is where the answer of a call that changed something says which
// change that was, and where a request says which change its caller knows of:
// what it reads is no older.
const headerPosition = "X-Bastide-Position"

// heed has the call ask the database if its caller, whoever that is, knows of a
// change that this process may not have heard of. It returns fault.HeaderRepeated
// or fault.PositionInvalid.
func (w *Wire) heed(h http.Header, c *call) error {
	text, err := single(h, headerPosition)
	if text == "" || err != nil {
		return err
	}
	p, ok := caller.ParsePosition(text)
	if !ok {
		return fault.PositionInvalid.With(strings.ToLower(headerPosition))
	}
	c.consistency.Behind = w.config.Heard != nil && !w.config.Heard(p)
	c.position = p
	return nil
}

// catchUp has this process make sure of the position that the call came with, if
// it has to. Anybody can make up positions, so it is for callers who are known.
func (w *Wire) catchUp(c *call) {
	if c.consistency.Behind && w.config.Confirm != nil {
		w.config.Confirm(c.position)
	}
}

// tell puts the position of what the call changed into the header of its answer.
func (c *call) tell(h http.Header) {
	if p, changed := c.consistency.Changed(); changed {
		h.Set(headerPosition, p.String())
	}
}
