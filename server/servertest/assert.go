//go:build unix

package servertest

import (
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
)

// Refused checks that a call failed with the code, and with the id of the
// error: the stable one that a client can tell errors apart by.
func Refused(t testing.TB, err error, code connect.Code, id string) {
	t.Helper()
	var failed *connect.Error
	if !errors.As(err, &failed) {
		t.Errorf("the call answered %v: want the error %s (%s)", err, code, id)
		return
	}
	found := ""
	for _, d := range failed.Details() {
		value, err := d.Value()
		if err != nil {
			t.Error(err)
		}
		if detail, ok := value.(*zitadelv1.ErrorDetail); ok {
			found = detail.GetId()
		}
	}
	if failed.Code() != code || found != id {
		t.Errorf("the call failed with %s (%s) %q: want %s (%s)", failed.Code(), found, failed.Message(), code, id)
	}
}

// OK ends the test if a call failed, and returns what it answered.
func OK[M any](answer M, err error) func(testing.TB) M {
	return func(t testing.TB) M {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// Equal checks that an answer is what is wanted, in every field. What cannot be
// foretold is left out of what is wanted: the times of details, which have to
// be there and of the last few minutes, and the position of a list.
func (s *Server) Equal(t testing.TB, got, want proto.Message) {
	t.Helper()
	s.checkTimes(t, got.ProtoReflect())
	diff := cmp.Diff(want, got, protocmp.Transform(),
		protocmp.IgnoreMessages(&timestamppb.Timestamp{}),
		protocmp.IgnoreFields(&zitadelv1.ListDetails{}, "processed_sequence"))
	if diff != "" {
		t.Errorf("the answer differs (-want +got):\n%s", diff)
	}
}

// required are the fields of details that are always there.
var required = map[protoreflect.FullName][]protoreflect.Name{
	"zitadel.v1.ObjectDetails": {"sequence", "creation_date", "change_date", "resource_owner"},
	"zitadel.v1.ListDetails":   {"processed_sequence", "view_timestamp"},
}

// recently is how long ago a test can have begun.
const recently = 10 * time.Minute

func (s *Server) checkTimes(t testing.TB, m protoreflect.Message) {
	t.Helper()
	for _, name := range required[m.Descriptor().FullName()] {
		if f := m.Descriptor().Fields().ByName(name); !m.Has(f) {
			t.Errorf("%s is missing", f.FullName())
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() != protoreflect.MessageKind || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				s.checkTimes(t, v.List().Get(i).Message())
			}
		case f.Message().FullName() == "google.protobuf.Timestamp":
			at := v.Message().Interface().(*timestamppb.Timestamp).AsTime()
			if now := s.Clock.Now(); at.After(now) || at.Before(now.Add(-recently)) {
				t.Errorf("%s is %s, now is %s", f.FullName(), at, now)
			}
		default:
			s.checkTimes(t, v.Message())
		}
		return true
	})
}

// SameRows checks that no table got or lost rows.
func SameRows(t testing.TB, before, after map[string]int) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
}
