package wire

import (
	"net/http"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// withBodies returns the service with every REST path that can have a body
// declared to have one: clients send an empty object where none is declared.
func withBodies(service protoreflect.ServiceDescriptor) protoreflect.ServiceDescriptor {
	methods := restMethods{MethodDescriptors: service.Methods()}
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
		if rule == nil {
			methods.all = append(methods.all, method)
			continue
		}
		rule = proto.CloneOf(rule)
		for _, binding := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
			verb, _ := verbAndPath(binding)
			if binding.Body == "" && (verb == http.MethodPost || verb == http.MethodPut || verb == http.MethodPatch) {
				binding.Body = "*"
			}
		}
		options := proto.Clone(method.Options())
		proto.SetExtension(options, annotations.E_Http, rule)
		methods.all = append(methods.all, restMethod{MethodDescriptor: method, options: options})
	}
	return restService{ServiceDescriptor: service, methods: methods}
}

// restService is a service with other methods.
type restService struct {
	protoreflect.ServiceDescriptor
	methods restMethods
}

// Methods returns the other methods.
func (s restService) Methods() protoreflect.MethodDescriptors { return s.methods }

// restMethods are the methods of a restService.
type restMethods struct {
	protoreflect.MethodDescriptors
	all []protoreflect.MethodDescriptor
}

// Get returns the method at i.
func (m restMethods) Get(i int) protoreflect.MethodDescriptor { return m.all[i] }

// restMethod is a method with other options.
type restMethod struct {
	protoreflect.MethodDescriptor
	options proto.Message
}

// Options returns the other options.
func (m restMethod) Options() protoreflect.ProtoMessage { return m.options }
