//go:build unix

// Package contract tests what the descriptors promise: for every method that is
// declared, that it has a rule, a REST path and bounds, and that the true
// server keeps to them. A new method or field is tested as soon as it is
// declared.
package contract

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/servertest"
)

// methods returns every method of the contract, sorted by name.
func methods() (all []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "zitadel.") {
			return true
		}
		for s := range file.Services().Len() {
			of := file.Services().Get(s).Methods()
			for m := range of.Len() {
				all = append(all, of.Get(m))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return all
}

// newRequest returns an empty request of a method.
func newRequest(t *testing.T, method protoreflect.MethodDescriptor) proto.Message {
	t.Helper()
	input, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		t.Fatal(err)
	}
	return input.New().Interface()
}

// call makes a call by the client that is generated for the method.
func call(t *testing.T, c *servertest.Caller, method protoreflect.MethodDescriptor, request proto.Message) error {
	t.Helper()
	service := strings.TrimSuffix(string(method.Parent().Name()), "Service")
	client := reflect.ValueOf(c).Elem().FieldByName(service)
	if !client.IsValid() {
		t.Fatalf("the callers of tests have no client of %s", method.Parent().FullName())
	}
	answer := client.MethodByName(string(method.Name())).Call([]reflect.Value{reflect.ValueOf(context.Context(t.Context())), reflect.ValueOf(request)})
	err, _ := answer[1].Interface().(error)
	return err
}

// codeOf returns the code of a call; 0 if it went well.
func codeOf(err error) connect.Code {
	if err == nil {
		return 0
	}
	return connect.CodeOf(err)
}

// faultOf returns the id of what went wrong in a call; empty if it went well.
func faultOf(t *testing.T, err error) string {
	t.Helper()
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return ""
	}
	for _, detail := range failed.Details() {
		value, err := detail.Value()
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := value.(*zitadelv1.ErrorDetail); ok {
			return d.GetId()
		}
	}
	return ""
}

// violations returns the fields that an error complains of, with the rules.
func violations(t *testing.T, err error) map[string][]string {
	t.Helper()
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return nil
	}
	found := make(map[string][]string)
	for _, detail := range failed.Details() {
		value, err := detail.Value()
		if err != nil {
			t.Fatal(err)
		}
		if all, ok := value.(*validate.Violations); ok {
			for _, v := range all.GetViolations() {
				path := protovalidate.FieldPathString(v.GetField())
				found[path] = append(found[path], v.GetRuleId())
			}
		}
	}
	return found
}

// world has an instance that calls can be made on, and who may make them all.
type world struct {
	server *servertest.Server
	// first is the instance of the first run, on whose host calls are made.
	first servertest.Tenant
	// other is the instance that calls of the System API name.
	other servertest.Tenant
	// userID is a machine of the first instance.
	userID string
	// projectID is a project of the organization of its owner.
	projectID string
	system    *servertest.Caller
}

func newWorld(t *testing.T, s *servertest.Server) world {
	t.Helper()
	w := world{server: s, first: s.First(t), other: s.NewInstance(t, "other"), system: s.AsSystem(t)}
	w.userID = w.first.NewMachine(t, "robot")
	w.projectID = newProject(t, w.first)
	return w
}

// newProject adds a project to the organization of the instance's owner.
func newProject(t *testing.T, in servertest.Tenant) string {
	t.Helper()
	name := "project-" + strings.ToLower(id.Suffix(6))
	return servertest.OK(in.Owner.Management.AddProject(t.Context(), &managementv1.AddProjectRequest{Name: name}))(t).GetId()
}

// mighty returns a caller who may make the call.
func (w world) mighty(method protoreflect.MethodDescriptor) *servertest.Caller {
	if permission.RuleOf(method).GetOn() == bastidev1.On_ON_SYSTEM {
		return w.system
	}
	return w.first.Owner
}

// nameObject sets the field that names the object of the method's rule.
func (w world) nameObject(t *testing.T, method protoreflect.MethodDescriptor, request proto.Message) {
	t.Helper()
	object := permission.RuleOf(method).GetObject()
	if object == nil {
		return
	}
	objectID, known := map[bastidev1.Kind]string{
		bastidev1.Kind_KIND_INSTANCE: w.other.ID,
		bastidev1.Kind_KIND_USER:     w.userID,
		bastidev1.Kind_KIND_PROJECT:  w.projectID,
	}[object.GetKind()]
	if !known {
		t.Fatalf("%s: the tests have no object of kind %s", method.FullName(), object.GetKind())
	}
	m := request.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(object.GetField())), protoreflect.ValueOfString(objectID))
}
