// Command apicoverage writes docs/api-coverage.md: the methods that are served,
// with their REST paths and permissions, from the descriptors.
//
//	go run ./tools/apicoverage > docs/api-coverage.md
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	_ "github.com/bastide-id/bastide/gen/zitadel/admin/v1"      // its methods
	_ "github.com/bastide-id/bastide/gen/zitadel/auth/v1"       // its methods
	_ "github.com/bastide-id/bastide/gen/zitadel/management/v1" // its methods
	_ "github.com/bastide-id/bastide/gen/zitadel/org/v2"        // its methods
	_ "github.com/bastide-id/bastide/gen/zitadel/system/v1"     // its methods
	_ "github.com/bastide-id/bastide/gen/zitadel/webkey/v2"     // its methods
	"github.com/bastide-id/bastide/tools/rule"
)

const introduction = `# Which methods are served

Every method below is served over Connect, gRPC and gRPC-Web, and over REST where
the contract gives it a path. Every other method of the API answers Unimplemented
(gRPC code 12; over REST its path is not found), and so does a request that sets
a field or value which is listed as not supported.

This page is made from the contract by ` + "`go run ./tools/apicoverage > docs/api-coverage.md`" + `.
`

func main() {
	log.SetFlags(0)
	out := bufio.NewWriter(os.Stdout)
	write(out)
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// write prints the page. Errors of out are the caller's to ask for.
func write(out io.Writer) {
	fmt.Fprint(out, introduction)
	for _, service := range services() {
		fmt.Fprintf(out, "\n## %s\n\n", service.Name())
		fmt.Fprintf(out, "`%s`\n\n", service.FullName())
		fmt.Fprintln(out, "| Method | REST | Permission | Where it is needed |")
		fmt.Fprintln(out, "| --- | --- | --- | --- |")
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			declared := proto.GetExtension(method.Options(), bastidev1.E_Rule).(*bastidev1.Rule)
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", method.Name(), rest(method), rule.Code(declared.GetPermission()), rule.Where(declared))
		}
		writeUnsupported(out, service)
	}
}

// services returns the services of the API, sorted by name.
func services() (all []protoreflect.ServiceDescriptor) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(file.Package()), "zitadel.") {
			for i := range file.Services().Len() {
				all = append(all, file.Services().Get(i))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.ServiceDescriptor) int { return cmp.Compare(a.FullName(), b.FullName()) })
	return all
}

// rest returns the verbs and paths of a method.
func rest(method protoreflect.MethodDescriptor) string {
	declared, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	var paths []string
	for _, binding := range append([]*annotations.HttpRule{declared}, declared.GetAdditionalBindings()...) {
		switch pattern := binding.GetPattern().(type) {
		case *annotations.HttpRule_Get:
			paths = append(paths, rule.Code("GET "+pattern.Get))
		case *annotations.HttpRule_Post:
			paths = append(paths, rule.Code("POST "+pattern.Post))
		case *annotations.HttpRule_Put:
			paths = append(paths, rule.Code("PUT "+pattern.Put))
		case *annotations.HttpRule_Delete:
			paths = append(paths, rule.Code("DELETE "+pattern.Delete))
		case *annotations.HttpRule_Patch:
			paths = append(paths, rule.Code("PATCH "+pattern.Patch))
		}
	}
	return strings.Join(paths, ", ")
}

// writeUnsupported lists what the requests of a service may not set yet.
func writeUnsupported(out io.Writer, service protoreflect.ServiceDescriptor) {
	var lines []string
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		for _, path := range unsupported(method.Input(), "", nil) {
			lines = append(lines, fmt.Sprintf("- %s: %s", method.Name(), rule.Code(path)))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(out, "\nNot supported yet:\n\n%s\n", strings.Join(lines, "\n"))
	}
}

// unsupported returns the paths of the fields and values that are refused,
// below a prefix. around are the messages that the message lies in: one that
// holds itself is listed once.
func unsupported(message protoreflect.MessageDescriptor, prefix string, around []protoreflect.FullName) (paths []string) {
	if slices.Contains(around, message.FullName()) {
		return nil
	}
	around = append(slices.Clone(around), message.FullName())
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		path := prefix + string(field.Name())
		if proto.GetExtension(field.Options(), bastidev1.E_Unsupported).(bool) {
			paths = append(paths, path)
			continue
		}
		if enum := field.Enum(); enum != nil {
			for v := range enum.Values().Len() {
				if value := enum.Values().Get(v); proto.GetExtension(value.Options(), bastidev1.E_UnsupportedValue).(bool) {
					paths = append(paths, path+" = "+string(value.Name()))
				}
			}
		}
		if of := field.Message(); of != nil && !strings.HasPrefix(string(of.FullName()), "google.protobuf.") {
			paths = append(paths, unsupported(of, path+".", around)...)
		}
	}
	return paths
}
