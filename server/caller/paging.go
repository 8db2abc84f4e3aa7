package caller

import "context"

// Paging is how a call reads a list in pages that neither overlap nor leave out
// a row when others come and go between them.
type Paging struct {
	// After is the position of the last row of the page before, as the list
	// wrote it; nil for the first page.
	After []byte
	// Next is set by the list: the position of the last row of this page, when
	// there are more.
	Next []byte

	taken bool
}

type pagingKey struct{}

// WithPaging returns a context whose list is read with p.
func WithPaging(ctx context.Context, p *Paging) context.Context {
	return context.WithValue(ctx, pagingKey{}, p)
}

// TakePaging returns how the list of the call is to be read, to the first who
// asks: the list that answers the call. Others, and calls without pages, get
// nil.
func TakePaging(ctx context.Context) *Paging {
	p, _ := ctx.Value(pagingKey{}).(*Paging)
	if p == nil || p.taken {
		return nil
	}
	p.taken = true
	return p
}
