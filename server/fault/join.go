package fault

import (
	"errors"
	"strings"
)

// Join returns one fault with the violations of all, so that a caller reads of
// every field at once; nil if there are none. An error that is no violation of
// a field is returned alone: it matters more.
func Join(errs ...error) error {
	var all *Fault
	var sentences []string
	for _, err := range errs {
		var f *Fault
		switch {
		case err == nil:
			continue
		case !errors.As(err, &f), len(f.violations) == 0:
			return err
		}
		sentences = append(sentences, f.message)
		if all == nil {
			first := *f
			all = &first
			continue
		}
		all.violations = append(all.violations[:len(all.violations):len(all.violations)], f.violations...)
	}
	if all == nil {
		return nil
	}
	all.message = strings.Join(sentences, "; ")
	return all
}
