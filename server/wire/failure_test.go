package wire

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	"github.com/bastide-id/bastide/server/fault"
)

func TestFieldPath(t *testing.T) {
	for _, path := range []string{"name", "human.email.email", "queries[3].user_id_query.user_id"} {
		if got := protovalidate.FieldPathString(fieldPath(path)); got != path {
			t.Errorf("%s became %s", path, got)
		}
	}
}

func TestManyViolations(t *testing.T) {
	all := new(validate.Violations)
	for range 3 * maxViolations {
		all.Violations = append(all.Violations, &validate.Violation{Message: proto.String(strings.Repeat("x", 100))})
	}
	f := failureOfViolations(all)
	if len(f.violations.GetViolations()) != maxViolations || len(f.message) > maxMessage+len("…") {
		t.Errorf("%d violations, %d bytes", len(f.violations.GetViolations()), len(f.message))
	}
}

func TestShorten(t *testing.T) {
	if got := shorten("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
	long := shorten(strings.Repeat("ä", maxMessage))
	if len(long) > maxMessage+len("…") || !strings.HasSuffix(long, "ä…") {
		t.Errorf("%d bytes", len(long))
	}
}

// TestEndOf has contexts that ended for one reason and look like the other: a
// connection whose read deadline is that of the call cancels the call when it
// passes.
func TestEndOf(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	both, cancel := context.WithDeadline(gone, time.Now())
	defer cancel()
	if !errors.Is(both.Err(), context.Canceled) {
		t.Fatal(both.Err())
	}
	unknown := errors.New("interrupted")
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		kind fault.Kind
		want error // nil if the call did not end
	}{
		{"in time", t.Context(), unknown, 0, nil},
		{"in time, database down", t.Context(), fault.DatabaseDown.With(), fault.Unavailable, nil},
		{"in time, of a deadline within", t.Context(), context.DeadlineExceeded, 0, fault.DeadlineExceeded},
		{"in time, canceled within", t.Context(), context.Canceled, 0, fault.Canceled},
		{"late", late, unknown, 0, fault.DeadlineExceeded},
		{"late, canceled within", late, context.Canceled, 0, fault.DeadlineExceeded},
		{"late, database down", late, fault.DatabaseDown.With(), fault.Unavailable, fault.DeadlineExceeded},
		{"late, answered", late, fault.UserUnknown.With(), fault.NotFound, nil},
		{"late and canceled", both, unknown, 0, fault.DeadlineExceeded},
		{"gone", gone, unknown, 0, fault.Canceled},
		{"gone, database down", gone, fault.DatabaseDown.With(), fault.Unavailable, fault.Canceled},
		{"gone, the body came too late", gone, fault.DeadlinePassed.With(), fault.DeadlineExceeded, nil},
	} {
		got := endOf(test.ctx, test.err, test.kind)
		if (got == nil) != (test.want == nil) || got != nil && !errors.Is(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}
