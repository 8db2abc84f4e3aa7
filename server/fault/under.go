package fault

import (
	"errors"
	"strings"
)

// Under returns a fault whose violations are of fields of the message at path:
// what is said of "roles" is said of "admins[2].roles". Any other error is
// returned as it is.
func Under(path string, err error) error {
	var f *Fault
	if !errors.As(err, &f) || len(f.violations) == 0 {
		return err
	}
	under := *f
	under.violations = make([]Violation, len(f.violations))
	sentences := make([]string, len(f.violations))
	for i, v := range f.violations {
		v.Field = path + "." + v.Field
		under.violations[i] = v
		sentences[i] = v.Field + ": " + v.Message
	}
	under.message = strings.Join(sentences, "; ")
	return &under
}
