//go:build unix

package servertest_test

import (
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// recorder is a test that remembers whether it failed.
type recorder struct {
	testing.TB
	failed bool
}

// Errorf notes the failure.
func (r *recorder) Errorf(string, ...any) { r.failed = true }

// The assertions fail where they have to.
func TestAssertions(t *testing.T) {
	s := &servertest.Server{Clock: &servertest.Clock{}}
	now := timestamppb.Now()
	want := &zitadelv1.ObjectDetails{Sequence: 1, ResourceOwner: "o"}
	detail, err := connect.NewErrorDetail(&zitadelv1.ErrorDetail{Id: "object.unknown"})
	if err != nil {
		t.Fatal(err)
	}
	refused := connect.NewError(connect.CodeNotFound, errors.New("x"))
	refused.AddDetail(detail)
	equal := func(got *zitadelv1.ObjectDetails) func(testing.TB) {
		return func(t testing.TB) { s.Equal(t, got, want) }
	}
	for name, test := range map[string]struct {
		assert func(testing.TB)
		fails  bool
	}{
		"equal":         {equal(&zitadelv1.ObjectDetails{Sequence: 1, ResourceOwner: "o", CreationDate: now, ChangeDate: now}), false},
		"another value": {equal(&zitadelv1.ObjectDetails{Sequence: 2, ResourceOwner: "o", CreationDate: now, ChangeDate: now}), true},
		"no owner":      {equal(&zitadelv1.ObjectDetails{Sequence: 1, CreationDate: now, ChangeDate: now}), true},
		"no date":       {equal(&zitadelv1.ObjectDetails{Sequence: 1, ResourceOwner: "o", CreationDate: now}), true},
		"an old date":   {equal(&zitadelv1.ObjectDetails{Sequence: 1, ResourceOwner: "o", CreationDate: now, ChangeDate: timestamppb.New(time.Unix(0, 0))}), true},
		"refused":       {func(t testing.TB) { servertest.Refused(t, refused, connect.CodeNotFound, "object.unknown") }, false},
		"another code":  {func(t testing.TB) { servertest.Refused(t, refused, connect.CodeInternal, "object.unknown") }, true},
		"another id":    {func(t testing.TB) { servertest.Refused(t, refused, connect.CodeNotFound, "user.unknown") }, true},
		"not refused":   {func(t testing.TB) { servertest.Refused(t, nil, connect.CodeNotFound, "object.unknown") }, true},
		"the same rows": {func(t testing.TB) { servertest.SameRows(t, map[string]int{"a": 1}, map[string]int{"a": 1}) }, false},
		"one row more":  {func(t testing.TB) { servertest.SameRows(t, map[string]int{"a": 1}, map[string]int{"a": 2}) }, true},
	} {
		r := &recorder{TB: t}
		if test.assert(r); r.failed != test.fails {
			t.Errorf("%s: failed is %t", name, r.failed)
		}
	}
}
