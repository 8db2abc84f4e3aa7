package client

import (
	"errors"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
)

// Kind is a kind of error: errors.Is(err, client.NotFound). There is one for
// each code.
type Kind connect.Code

// The kinds of error.
const (
	Canceled           = Kind(connect.CodeCanceled)
	Unknown            = Kind(connect.CodeUnknown)
	InvalidArgument    = Kind(connect.CodeInvalidArgument)
	DeadlineExceeded   = Kind(connect.CodeDeadlineExceeded)
	NotFound           = Kind(connect.CodeNotFound)
	AlreadyExists      = Kind(connect.CodeAlreadyExists)
	PermissionDenied   = Kind(connect.CodePermissionDenied)
	ResourceExhausted  = Kind(connect.CodeResourceExhausted)
	FailedPrecondition = Kind(connect.CodeFailedPrecondition)
	Aborted            = Kind(connect.CodeAborted)
	OutOfRange         = Kind(connect.CodeOutOfRange)
	Unimplemented      = Kind(connect.CodeUnimplemented)
	Internal           = Kind(connect.CodeInternal)
	Unavailable        = Kind(connect.CodeUnavailable)
	DataLoss           = Kind(connect.CodeDataLoss)
	Unauthenticated    = Kind(connect.CodeUnauthenticated)
)

// Error returns the name of the code.
func (k Kind) Error() string { return connect.Code(k).String() }

// Error is what every call returns that fails. It answers to errors.Is with its
// Kind, and wraps the *connect.Error, so connect.CodeOf answers too.
type Error struct {
	Code connect.Code
	// ID names what went wrong, and stays for ever: docs/errors.md lists them.
	// It is empty if the error did not come from the server.
	ID string
	// Message is a sentence for people; it may change.
	Message string
	// Violations are the fields of the request that are wrong.
	Violations []Violation

	cause *connect.Error
}

// Violation is what is wrong with a field of a request.
type Violation struct {
	// Field is the path of the field, such as queries[0].user_name_query.user_name;
	// empty if it is the request as a whole.
	Field string
	// Rule names what was violated, such as string.max_len.
	Rule string
	// Message is a sentence for people.
	Message string
}

// Error returns the code and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Message
}

// Is reports whether target is the kind of the error.
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && connect.Code(kind) == e.Code
}

// Unwrap returns the *connect.Error, which has the headers of the answer.
func (e *Error) Unwrap() error {
	if e.cause == nil {
		return nil
	}
	return e.cause
}

// typed returns an error of a call as an *Error.
func typed(err error) error {
	if done := new(Error); errors.As(err, &done) {
		return err
	}
	cause := new(connect.Error)
	if !errors.As(err, &cause) {
		cause = connect.NewError(connect.CodeUnknown, err)
	}
	e := &Error{Code: cause.Code(), Message: cause.Message(), cause: cause}
	for _, detail := range cause.Details() {
		message, err := detail.Value()
		if err != nil {
			continue // one of a kind that this version does not know
		}
		switch message := message.(type) {
		case *zitadelv1.ErrorDetail:
			e.ID = message.GetId()
		case *validate.Violations:
			for _, v := range message.GetViolations() {
				e.Violations = append(e.Violations, Violation{Field: fieldPath(v.GetField()), Rule: v.GetRuleId(), Message: v.GetMessage()})
			}
		}
	}
	return e
}

// fieldPath writes the path of a field as the messages of errors do. The
// validation library does so too, but brings its engine along.
func fieldPath(path *validate.FieldPath) string {
	var text strings.Builder
	for i, element := range path.GetElements() {
		if i > 0 {
			text.WriteByte('.')
		}
		text.WriteString(element.GetFieldName())
		switch key := element.GetSubscript().(type) {
		case *validate.FieldPathElement_Index:
			text.WriteString("[" + strconv.FormatUint(key.Index, 10) + "]")
		case *validate.FieldPathElement_BoolKey:
			text.WriteString("[" + strconv.FormatBool(key.BoolKey) + "]")
		case *validate.FieldPathElement_IntKey:
			text.WriteString("[" + strconv.FormatInt(key.IntKey, 10) + "]")
		case *validate.FieldPathElement_UintKey:
			text.WriteString("[" + strconv.FormatUint(key.UintKey, 10) + "]")
		case *validate.FieldPathElement_StringKey:
			text.WriteString("[" + strconv.Quote(key.StringKey) + "]")
		}
	}
	return text.String()
}
