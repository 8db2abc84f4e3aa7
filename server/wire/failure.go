package wire

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/fault"
)

// failure is how a call failed: what the caller is told, and why.
type failure struct {
	code       connect.Code
	id         string
	message    string
	violations *validate.Violations
	// status overrides the HTTP status that goes with the code.
	status int
	// cause is logged and never shown.
	cause error
}

// Error returns what the caller is told.
func (f *failure) Error() string { return f.message }

// internal returns the failure that hides its cause.
func internal(cause error) *failure {
	return &failure{code: connect.CodeInternal, id: "internal", message: "internal error", cause: cause}
}

// failureOf returns how an error is told to the caller: a fault as it is, an end
// of the context as such, and everything else as an internal error.
func (w *Wire) failureOf(ctx context.Context, err error) *failure {
	err = w.config.Translate(err)
	var violations *protovalidate.ValidationError
	if errors.As(err, &violations) {
		return failureOfViolations(violations.ToProto())
	}
	var known *fault.Fault
	var kind fault.Kind
	if errors.As(err, &known) {
		kind = known.Kind()
	} else {
		errors.As(err, &kind)
	}
	ended := endOf(ctx, err, kind)
	switch {
	case ended != nil:
		return failureOfFault(ended.Because(err))
	case known != nil:
		return failureOfFault(known)
	case kind != 0:
		return &failure{code: connect.Code(kind), id: kind.Error(), message: kind.Error(), cause: err}
	}
	return internal(err)
}

// endOf returns the fault of a call that ended before it had an answer; nil if
// it did not. The context counts before the error, whose kind is 0 if it is not
// known: a driver that was interrupted has errors of its own, which do not say
// why, or look like a connection that was lost.
func endOf(ctx context.Context, err error, kind fault.Kind) *fault.Fault {
	end := ctx.Err()
	if deadline, has := ctx.Deadline(); end != nil && has && !time.Now().Before(deadline) {
		// The read deadline of the connection is the same and may pass first,
		// which cancels the context.
		end = context.DeadlineExceeded
	}
	switch kind {
	case fault.Unavailable, fault.Canceled:
	case 0:
		if end == nil {
			end = err
		}
	default:
		return nil // an answer, however late
	}
	switch {
	case errors.Is(end, context.DeadlineExceeded):
		return fault.DeadlinePassed.With()
	case errors.Is(end, context.Canceled):
		return fault.CallerGone.With()
	}
	return nil
}

func failureOfFault(f *fault.Fault) *failure {
	failed := &failure{
		code:    connect.Code(f.Kind()),
		id:      f.ID(),
		message: shorten(f.Message()),
		cause:   f.Unwrap(),
	}
	switch {
	case errors.Is(f, fault.MediaTypeUnknown.With("")):
		failed.status = http.StatusUnsupportedMediaType
	case errors.Is(f, fault.VerbWrong.With("", "")):
		failed.status = http.StatusMethodNotAllowed
	}
	for _, v := range f.Violations() {
		if failed.violations == nil {
			failed.violations = new(validate.Violations)
		}
		failed.violations.Violations = append(failed.violations.Violations, &validate.Violation{
			Field:   fieldPath(v.Field),
			RuleId:  proto.String(v.Rule),
			Message: proto.String(v.Message),
		})
	}
	return failed
}

// maxViolations bounds an answer that a caller can make grow: in gRPC it travels
// in a header.
const maxViolations = 100

func failureOfViolations(all *validate.Violations) *failure {
	if len(all.GetViolations()) > maxViolations {
		all.Violations = all.GetViolations()[:maxViolations]
	}
	sentences := make([]string, 0, len(all.GetViolations()))
	for _, v := range all.GetViolations() {
		sentence := v.GetMessage()
		if path := protovalidate.FieldPathString(v.GetField()); path != "" {
			sentence = path + ": " + sentence
		}
		sentences = append(sentences, sentence)
	}
	failed := failureOfFault(fault.RequestInvalid.With(strings.Join(sentences, "; ")))
	failed.violations = all
	return failed
}

// maxMessage bounds the sentence of an error, which may quote the request.
const maxMessage = 2000

// shorten cuts a sentence to what a caller can be shown.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxMessage {
		return s
	}
	cut := maxMessage
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// connectError returns the failure as the libraries of the RPC protocols know it.
func (f *failure) connectError() *connect.Error {
	err := connect.NewError(f.code, f)
	for _, message := range f.details() {
		if detail, detailErr := connect.NewErrorDetail(message); detailErr == nil {
			err.AddDetail(detail)
		}
	}
	return err
}

// anyDetails returns the details as REST shows them.
func (f *failure) anyDetails() []*anypb.Any {
	var details []*anypb.Any
	for _, message := range f.details() {
		if detail, err := anypb.New(message); err == nil {
			details = append(details, detail)
		}
	}
	return details
}

func (f *failure) details() []proto.Message {
	details := []proto.Message{&zitadelv1.ErrorDetail{Id: f.id, Message: f.message}}
	if f.violations != nil {
		details = append(details, f.violations)
	}
	return details
}
