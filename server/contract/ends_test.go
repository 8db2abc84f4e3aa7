//go:build unix

package contract

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bastide-id/bastide/server/servertest"
)

// What no rule forbids, both databases have to take or a call has to refuse: the
// largest and smallest of numbers and times, and texts that mean something to
// who keeps or searches them.
func TestValuesAtTheirEnds(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		checked := 0
		for _, p := range places() {
			if unsupported(p.field()) {
				continue
			}
			for _, value := range ends(p) {
				checked++
				w.try(t, p, put(p.field(), value))
			}
		}
		if checked < 728 {
			t.Errorf("only %d values were checked", checked)
		}
	})
}

// ends returns values at the ends of what the type of a field has.
func ends(p place) []protoreflect.Value {
	of := protoreflect.ValueOf
	switch field := p.field(); field.Kind() {
	case protoreflect.StringKind:
		if isObject(p) {
			return nil // it names no object then
		}
		suffix := strings.Repeat("a", 8) // what policies ask for at least
		return []protoreflect.Value{of(`%_\'"` + suffix), of("\U0010FFFF\uFFFE\u202E\u0301" + suffix)}
	case protoreflect.Uint32Kind:
		return []protoreflect.Value{of(uint32(0)), of(uint32(math.MaxUint32))}
	case protoreflect.Uint64Kind:
		return []protoreflect.Value{of(uint64(0)), of(uint64(math.MaxInt64)), of(uint64(math.MaxUint64))}
	case protoreflect.Int32Kind:
		return []protoreflect.Value{of(int32(math.MinInt32)), of(int32(math.MaxInt32))}
	case protoreflect.Int64Kind:
		return []protoreflect.Value{of(int64(math.MinInt64)), of(int64(math.MaxInt64))}
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Timestamp":
			first, last := &timestamppb.Timestamp{Seconds: -62135596800}, &timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999999999}
			return []protoreflect.Value{of(first.ProtoReflect()), of(last.ProtoReflect())}
		case "google.protobuf.Duration":
			return []protoreflect.Value{
				of((&durationpb.Duration{Seconds: -315576000000}).ProtoReflect()), of((&durationpb.Duration{Seconds: 315576000000}).ProtoReflect()),
			}
		}
	}
	return nil
}
