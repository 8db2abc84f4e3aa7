package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/permission"
)

// procedure is a method that is served.
type procedure struct {
	// path is /package.Service/Method.
	path    string
	input   protoreflect.MessageType
	rule    *bastidev1.Rule
	handler http.Handler
	// variables are the fields that the REST path sets, by proto and JSON name.
	variables map[string]bool
	// body tells that the contract gives the REST path a body, also where the
	// verb usually has none.
	body bool
}

// register makes the procedures of the services and compiles what their requests
// are checked with.
func (w *Wire) register(services []Service) error {
	var messages []proto.Message
	for _, service := range services {
		descriptor, err := descriptorOf(service)
		if err != nil {
			return err
		}
		for i := range descriptor.Methods().Len() {
			p, err := newProcedure(descriptor.Methods().Get(i), service.Handler)
			if err != nil {
				return err
			}
			w.procedures[p.path] = p
			messages = append(messages, p.input.New().Interface())
		}
	}
	validator, err := protovalidate.New(protovalidate.WithMessages(messages...), protovalidate.WithDisableLazy())
	if err != nil {
		return fmt.Errorf("wire: validation: %w", err)
	}
	w.inspector = newInspector()
	for _, m := range messages {
		// A rule that does not compile is reported by the first validation.
		var violations *protovalidate.ValidationError
		if err := validator.Validate(m); err != nil && !errors.As(err, &violations) {
			return fmt.Errorf("wire: validation of %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
		}
		w.inspector.add(m.ProtoReflect().Descriptor())
	}
	w.validator = validator
	return nil
}

// descriptorOf returns the descriptor of a service.
func descriptorOf(service Service) (protoreflect.ServiceDescriptor, error) {
	name := protoreflect.FullName(strings.Trim(service.Path, "/"))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, fmt.Errorf("wire: service at %s: %w", service.Path, err)
	}
	descriptor, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("wire: %s is not a service", name)
	}
	return descriptor, nil
}

func newProcedure(method protoreflect.MethodDescriptor, handler http.Handler) (*procedure, error) {
	if method.IsStreamingClient() || method.IsStreamingServer() {
		return nil, fmt.Errorf("wire: %s streams, which is not supported", method.FullName())
	}
	rule := permission.RuleOf(method)
	if err := checkRule(method, rule); err != nil {
		return nil, err
	}
	input, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		return nil, fmt.Errorf("wire: request of %s: %w", method.FullName(), err)
	}
	return &procedure{
		path:      fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()),
		input:     input,
		rule:      rule,
		handler:   handler,
		variables: pathVariables(method),
		body:      hasBody(method),
	}, nil
}

// checkRule returns an error if the rule of the method can not be decided.
func checkRule(method protoreflect.MethodDescriptor, rule *bastidev1.Rule) error {
	on := rule.GetOn()
	if on == bastidev1.On_ON_UNSPECIFIED {
		return fmt.Errorf("wire: %s has no rule", method.FullName())
	}
	free := on == bastidev1.On_ON_PUBLIC || on == bastidev1.On_ON_AUTHENTICATED
	if on != bastidev1.On_ON_SELF && free != (rule.GetPermission() == "") {
		return fmt.Errorf("wire: the rule of %s: permission %q does not go with %s", method.FullName(), rule.GetPermission(), on)
	}
	object := rule.GetObject()
	if object == nil {
		if on == bastidev1.On_ON_OBJECT {
			return fmt.Errorf("wire: the rule of %s names no object", method.FullName())
		}
		return nil
	}
	field := method.Input().Fields().ByName(protoreflect.Name(object.GetField()))
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return fmt.Errorf("wire: the rule of %s: the request has no string field %q", method.FullName(), object.GetField())
	}
	if object.GetKind() == bastidev1.Kind_KIND_UNSPECIFIED {
		return fmt.Errorf("wire: the rule of %s: the object has no kind", method.FullName())
	}
	return nil
}

// hasBody reports whether the contract gives the REST path of the method a body.
func hasBody(method protoreflect.MethodDescriptor) bool {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	return rule.GetBody() != ""
}

// pathVariables returns the request fields that the REST paths of the method set.
func pathVariables(method protoreflect.MethodDescriptor) map[string]bool {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	names := make(map[string]bool)
	for _, binding := range append(rule.GetAdditionalBindings(), rule) {
		_, template := verbAndPath(binding)
		for _, part := range strings.Split(template, "{")[1:] {
			name, _, _ := strings.Cut(part, "}")
			name, _, _ = strings.Cut(name, "=")
			names[name] = true
			if field := method.Input().Fields().ByName(protoreflect.Name(name)); field != nil {
				names[field.JSONName()] = true
			}
		}
	}
	return names
}

// verbAndPath returns the HTTP verb and the path template of a binding.
func verbAndPath(rule *annotations.HttpRule) (verb, template string) {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, pattern.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, pattern.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, pattern.Delete
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, pattern.Patch
	default:
		return rule.GetCustom().GetKind(), rule.GetCustom().GetPath()
	}
}
