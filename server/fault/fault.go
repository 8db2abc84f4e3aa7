// Package fault has the kinds of error that a caller can meet.
//
// A Kind is a Connect code and is itself an error, so that
// errors.Is(err, fault.NotFound) asks for the kind. What can go wrong is
// defined once, with an id that never changes, in ids.go.
package fault

import (
	"cmp"
	"fmt"
	"slices"

	"connectrpc.com/connect"
)

// Kind is a Connect code that is an error.
type Kind connect.Code

// The kinds of fault.
const (
	Invalid            = Kind(connect.CodeInvalidArgument)
	Unauthenticated    = Kind(connect.CodeUnauthenticated)
	PermissionDenied   = Kind(connect.CodePermissionDenied)
	NotFound           = Kind(connect.CodeNotFound)
	AlreadyExists      = Kind(connect.CodeAlreadyExists)
	FailedPrecondition = Kind(connect.CodeFailedPrecondition)
	ResourceExhausted  = Kind(connect.CodeResourceExhausted)
	Unimplemented      = Kind(connect.CodeUnimplemented)
	Unavailable        = Kind(connect.CodeUnavailable)
	DeadlineExceeded   = Kind(connect.CodeDeadlineExceeded)
	Canceled           = Kind(connect.CodeCanceled)
)

// Error returns the name of the code.
func (k Kind) Error() string { return connect.Code(k).String() }

// Definition is one thing that can go wrong.
type Definition struct {
	kind   Kind
	id     string
	format string
}

// defined has every definition, in the order of ids.go.
var defined []Definition

// define makes a definition; format takes the parameters of With.
func (k Kind) define(id, format string) Definition {
	d := Definition{kind: k, id: id, format: format}
	defined = append(defined, d)
	return d
}

// Definitions returns everything that can go wrong, sorted by id.
func Definitions() []Definition {
	return slices.SortedFunc(slices.Values(defined), func(a, b Definition) int { return cmp.Compare(a.id, b.id) })
}

// Kind returns the kind of the faults.
func (d Definition) Kind() Kind { return d.kind }

// ID returns the stable id of the faults.
func (d Definition) ID() string { return d.id }

// Format returns the sentence of the faults, with the verbs of package fmt in
// place of its parameters.
func (d Definition) Format() string { return d.format }

// With returns the fault with its parameters filled in.
func (d Definition) With(params ...any) *Fault {
	return &Fault{kind: d.kind, id: d.id, message: fmt.Sprintf(d.format, params...)}
}

// Field returns the fault as the violation of the request field at path, which
// is in proto form: "human.email.email".
func (d Definition) Field(path string, params ...any) *Fault {
	f := d.With(params...)
	f.violations = []Violation{{Field: path, Rule: d.id, Message: f.message}}
	f.message = path + ": " + f.message
	return f
}

// Fault is an error that the caller may see.
type Fault struct {
	kind       Kind
	id         string
	message    string
	violations []Violation
	cause      error
}

// Violation is a request field that breaks a rule.
type Violation struct {
	Field   string
	Rule    string
	Message string
}

// Kind returns the kind of the fault.
func (f *Fault) Kind() Kind { return f.kind }

// ID returns the stable id of the fault.
func (f *Fault) ID() string { return f.id }

// Message returns the sentence for the caller.
func (f *Fault) Message() string { return f.message }

// Violations returns the request fields that broke a rule.
func (f *Fault) Violations() []Violation { return f.violations }

// Because returns the fault with a cause, which is logged and never shown.
func (f *Fault) Because(cause error) *Fault {
	with := *f
	with.cause = cause
	return &with
}

// Error returns the sentence for the caller.
func (f *Fault) Error() string { return f.message }

// Is reports whether target is the kind of the fault, or the same fault.
func (f *Fault) Is(target error) bool {
	switch t := target.(type) {
	case Kind:
		return f.kind == t
	case *Fault:
		return f.id == t.id
	}
	return false
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }
