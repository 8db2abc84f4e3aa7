// Package across is the door to work on more than one instance. Only the
// System API, the lookup of hosts and jobs may import it; the linter sees to
// that.
package across

import "context"

type key struct{}

// Instances returns a context whose queries see the rows of every instance.
func Instances(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Is reports whether ctx came from Instances.
func Is(ctx context.Context) bool {
	is, _ := ctx.Value(key{}).(bool)
	return is
}
