package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/agext/levenshtein"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bastide-id/bastide/sdk/go/client"
)

// reflected is a method as a server describes it.
type reflected struct {
	protoreflect.MethodDescriptor
	// types are the messages of the files that the method comes from.
	types *dynamicpb.Types
}

// reflectMethod asks a server for the method that is named as in
// auth.v1.AuthService/GetMyUser; packages may be left out of the front of the
// name. It returns a usageError, with the names that come near, if the server
// has no such method.
func reflectMethod(ctx context.Context, asking connect.HTTPClient, url, name string) (*reflected, error) {
	stream := grpcreflect.NewClient(asking, url, connect.WithGRPC(), connect.WithReadMaxBytes(client.MaxAnswer)).NewStream(ctx)
	defer func() { _, _ = stream.Close() }()
	names, err := stream.ListServices()
	if err != nil {
		return nil, fmt.Errorf("the server does not tell its methods: %w", err)
	}
	serviceName, methodName := splitMethod(name)
	service, unknown := chooseService("the server", names, serviceName)
	if unknown != nil {
		// Not every service that is served is listed: those of gRPC itself are not.
		service = protoreflect.FullName(serviceName)
	}
	files, err := fetchFiles(stream, service)
	if unknown != nil && connect.CodeOf(err) == connect.CodeNotFound {
		return nil, unknown
	}
	if err != nil {
		return nil, fmt.Errorf("the server does not describe %s: %w", service, err)
	}
	return methodIn(files, service, methodName)
}

// methodIn returns a method of the files. It returns a usageError if it cannot
// be called, or there is none of the name.
func methodIn(files *protoregistry.Files, service protoreflect.FullName, methodName string) (*reflected, error) {
	descriptor, err := files.FindDescriptorByName(service)
	if err != nil {
		return nil, fmt.Errorf("%s is not described: %w", service, err)
	}
	if _, is := descriptor.(protoreflect.ServiceDescriptor); !is {
		return nil, usageError{fmt.Errorf("%s is no service", service)}
	}
	methods := descriptor.(protoreflect.ServiceDescriptor).Methods()
	method := methods.ByName(protoreflect.Name(methodName))
	switch {
	case method == nil:
		return nil, noMethod(methods, service, methodName)
	case method.IsStreamingClient() || method.IsStreamingServer():
		return nil, usageError{fmt.Errorf("%s/%s is a stream: call makes single calls", service, methodName)}
	}
	return &reflected{method, dynamicpb.NewTypes(files)}, nil
}

// splitMethod returns the parts of Service/Method or Service.Method.
func splitMethod(name string) (service, method string) {
	name = strings.TrimPrefix(name, "/")
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		at = strings.LastIndexByte(name, '.')
	}
	// Without a method, the last word begins with a capital letter and is the
	// service: its error lists the methods.
	if at < 0 || strings.HasSuffix(name, "Service") && name[at] == '.' {
		return name, ""
	}
	return name[:at], name[at+1:]
}

// chooseService returns the one of the names, which owner has, that name is, or
// ends.
func chooseService(owner string, names []protoreflect.FullName, name string) (protoreflect.FullName, error) {
	var found []string
	for _, full := range names {
		if string(full) == name {
			return full, nil
		}
		if name != "" && strings.HasSuffix(string(full), "."+name) {
			found = append(found, string(full))
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch len(found) {
	case 1:
		return protoreflect.FullName(found[0]), nil
	case 0:
		all := make([]string, len(names))
		for i, full := range names {
			all[i] = strings.TrimPrefix(string(full), contractPackage)
		}
		return "", usageError{fmt.Errorf("%s has no service %q: %s", owner, name, near("it has", strings.TrimPrefix(name, contractPackage), all))}
	}
	return "", usageError{fmt.Errorf("the name %q is that of %s", name, strings.Join(found, " and "))}
}

func noMethod(methods protoreflect.MethodDescriptors, service protoreflect.FullName, name string) error {
	all := make([]string, methods.Len())
	for i := range all {
		all[i] = string(methods.Get(i).Name())
	}
	if name == "" {
		slices.Sort(all)
		return usageError{fmt.Errorf("%s: name a method of it, as in %s/%s; it has %s", service, service, all[0], strings.Join(all, ", "))}
	}
	return usageError{fmt.Errorf("%s has no method %q: %s", service, name, near("it has", name, all))}
}

// mostSuggestions bounds what an error suggests.
const mostSuggestions = 3

// near says which of the names are most like a name that there is not.
func near(has, name string, names []string) string {
	like := func(other string) float64 {
		return levenshtein.Match(strings.ToLower(name), strings.ToLower(other), nil)
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int {
		switch difference := like(b) - like(a); {
		case difference > 0:
			return 1
		case difference < 0:
			return -1
		}
		return strings.Compare(a, b)
	})
	if len(names) <= mostSuggestions {
		return has + " " + strings.Join(names, ", ")
	}
	return has + " " + strings.Join(names[:mostSuggestions], ", ") + " and others"
}

// fetchFiles returns the file that a service is in, and all that it needs.
func fetchFiles(stream *grpcreflect.ClientStream, service protoreflect.FullName) (*protoregistry.Files, error) {
	received, err := stream.FileContainingSymbol(service)
	if err != nil {
		return nil, err
	}
	known := map[string]*descriptorpb.FileDescriptorProto{}
	for len(received) > 0 {
		var missing []string
		for _, file := range received {
			known[file.GetName()] = file
		}
		for _, file := range received {
			missing = append(missing, file.GetDependency()...)
		}
		received = nil
		for _, path := range missing {
			if known[path] != nil {
				continue
			}
			files, err := stream.FileByFilename(path)
			if err != nil {
				return nil, err
			}
			if len(files) == 0 {
				return nil, errors.New("it has no " + path)
			}
			for _, file := range files {
				known[file.GetName()] = file
			}
			received = append(received, files...)
		}
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, file := range known {
		set.File = append(set.File, file)
	}
	return protodesc.NewFiles(set)
}
