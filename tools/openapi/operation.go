package main

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
)

// describer collects what the document has.
type describer struct {
	schemas *schemas
	tags    []object
	// paths are in the order of the contract; each has its operations by verb.
	paths      []string
	operations map[string]object
	ids        map[string]bool
	failures   []error
}

func (d *describer) fail(format string, values ...any) {
	d.failures = append(d.failures, fmt.Errorf("openapi: "+format, values...))
}

// service adds all methods of a service.
func (d *describer) service(service *protogen.Service) {
	d.tags = append(d.tags, object{}.set("name", service.GoName).text("description", comment(service.Comments)))
	for _, method := range service.Methods {
		d.method(method)
	}
}

// method adds every REST binding of a method, or else its path of Connect.
func (d *describer) method(method *protogen.Method) {
	declared, _ := proto.GetExtension(method.Desc.Options(), annotations.E_Http).(*annotations.HttpRule)
	id := method.Parent.GoName + "_" + method.GoName
	if declared == nil {
		path := fmt.Sprintf("/%s/%s", method.Parent.Desc.FullName(), method.Desc.Name())
		d.add(path, http.MethodPost, d.operation(method, binding{id: id, connect: true, verb: http.MethodPost, path: path}))
		return
	}
	for i, one := range append([]*annotations.HttpRule{declared}, declared.GetAdditionalBindings()...) {
		b := binding{id: id}
		if i > 0 {
			b.id += strconv.Itoa(i + 1)
		}
		if err := b.read(one); err != nil {
			d.fail("%s: %w", method.Desc.FullName(), err)
			continue
		}
		d.add(b.path, b.verb, d.operation(method, b))
	}
}

// add puts an operation below its path.
func (d *describer) add(path, verb string, operation any) {
	known, ok := d.operations[path]
	if !ok {
		d.paths = append(d.paths, path)
	}
	verb = strings.ToLower(verb)
	if slices.ContainsFunc(known, func(m member) bool { return m.name == verb }) {
		d.fail("%s %s is there twice", verb, path)
	}
	d.operations[path] = known.set(verb, operation)
}

// binding is a way to call a method.
type binding struct {
	id         string
	verb, path string
	// variables are the fields in the path; slashes tells that the last one may
	// have any.
	variables []string
	slashes   bool
	body      bool
	// connect tells that the method has no path of REST.
	connect bool
}

var variable = regexp.MustCompile(`\{(\w+)(=\*\*)?\}`)

func (b *binding) read(rule *annotations.HttpRule) error {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		b.verb, b.path = http.MethodGet, pattern.Get
	case *annotations.HttpRule_Put:
		b.verb, b.path = http.MethodPut, pattern.Put
	case *annotations.HttpRule_Post:
		b.verb, b.path = http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		b.verb, b.path = http.MethodDelete, pattern.Delete
	case *annotations.HttpRule_Patch:
		b.verb, b.path = http.MethodPatch, pattern.Patch
	}
	if b.verb == "" || rule.GetBody() != "" && rule.GetBody() != "*" || rule.GetResponseBody() != "" {
		return fmt.Errorf("a binding that this tool does not describe: %v", rule)
	}
	// The server reads a body wherever the verb can have one.
	b.body = rule.GetBody() != "" || b.verb != http.MethodGet && b.verb != http.MethodDelete
	for _, match := range variable.FindAllStringSubmatch(b.path, -1) {
		b.variables = append(b.variables, match[1])
		b.slashes = match[2] != ""
	}
	b.path = variable.ReplaceAllString(b.path, "{$1}")
	return nil
}

// operation describes a method at a binding.
func (d *describer) operation(method *protogen.Method, b binding) object {
	rule, _ := proto.GetExtension(method.Desc.Options(), bastidev1.E_Rule).(*bastidev1.Rule)
	first, others := summary(comment(method.Comments))
	if b.connect {
		others = join(others, "The contract has no REST path for this method: this is a call of the Connect protocol.")
	}
	o := object{}.
		set("tags", []string{method.Parent.GoName}).
		set("operationId", b.id).
		text("summary", first).
		text("description", join(others, needed(rule)))
	if parameters := d.parameters(method, b, rule); len(parameters) > 0 {
		o = o.set("parameters", parameters)
	}
	if b.body || b.connect {
		if schema, required, ok := d.schemas.body(method.Input, b.variables); ok {
			o = o.set("requestBody", object{}.set("required", required || b.connect).set("content", jsonContent(schema)))
		}
	}
	o = o.set("responses", d.responses(method, b))
	if rule.GetOn() == bastidev1.On_ON_PUBLIC || rule.GetOn() == bastidev1.On_ON_HOST {
		o = o.set("security", []object{})
	}
	return o
}

// parameters are those of path, query and header.
func (d *describer) parameters(method *protogen.Method, b binding, rule *bastidev1.Rule) (all []object) {
	for i, name := range b.variables {
		field := fieldOf(method.Input, name)
		if field == nil {
			d.fail("%s: there is no field %s", method.Desc.FullName(), name)
			continue
		}
		schema, description := d.schemas.field(field)
		if b.slashes && i == len(b.variables)-1 {
			description = join(description, "It may have slashes, which are sent as they are.")
		}
		all = append(all, object{}.set("name", name).set("in", "path").text("description", description).
			set("required", true).set("schema", atLeastOne(schema)))
	}
	if !b.body && !b.connect {
		all = append(all, d.query(method.Input, "", b.variables)...)
	}
	if rule.GetOn() == bastidev1.On_ON_HEADER_ORG {
		all = append(all, reference("parameters/Organization"))
	}
	if isList(method.Input) {
		all = append(all, reference("parameters/PageToken"))
	}
	if rule.GetOn() != bastidev1.On_ON_PUBLIC {
		all = append(all, reference("parameters/Position"))
	}
	return all
}

// query are the fields of a request without a body, those of messages by their
// path.
func (d *describer) query(message *protogen.Message, prefix string, without []string) (all []object) {
	for _, field := range message.Fields {
		if prefix == "" && slices.Contains(without, string(field.Desc.Name())) {
			continue
		}
		name := prefix + field.Desc.JSONName()
		if field.Message != nil && wellKnown[field.Message.Desc.FullName()] == nil {
			if field.Desc.IsList() {
				d.fail("%s: a query has no room for a list of messages", field.Desc.FullName())
			}
			all = append(all, d.query(field.Message, name+".", nil)...)
			continue
		}
		schema, description := d.schemas.field(field)
		p := object{}.set("name", name).set("in", "query").text("description", description)
		if required(field) {
			p = p.set("required", true)
		}
		all = append(all, p.set("schema", schema))
	}
	return all
}

// isList reports whether a request is one for a list in pages.
func isList(message *protogen.Message) bool {
	field := fieldOf(message, "query")
	return field != nil && field.Message != nil && field.Message.Desc.Name() == "ListQuery"
}

func fieldOf(message *protogen.Message, name string) *protogen.Field {
	for _, field := range message.Fields {
		if field.Desc.Name() == protoreflect.Name(name) {
			return field
		}
	}
	return nil
}

// responses are the answer that went well, and one for whatever went wrong.
func (d *describer) responses(method *protogen.Method, b binding) object {
	declared, _ := proto.GetExtension(method.Desc.Options(), bastidev1.E_SuccessStatus).(uint32)
	status := cmp.Or(int(declared), http.StatusOK)
	if b.connect {
		status = http.StatusOK
	}
	good := object{}.set("description", cmp.Or(comment(method.Output.Comments), "The call went well."))
	var headers object
	if isList(method.Input) {
		headers = headers.set("X-Bastide-Next-Page-Token", reference("headers/NextPageToken"))
	}
	options, _ := method.Desc.Options().(*descriptorpb.MethodOptions)
	if options.GetIdempotencyLevel() != descriptorpb.MethodOptions_NO_SIDE_EFFECTS {
		headers = headers.set("X-Bastide-Position", reference("headers/Position"))
	}
	if len(headers) > 0 {
		good = good.set("headers", headers)
	}
	good = good.set("content", jsonContent(d.schemas.message(method.Output)))
	bad := "responses/Error"
	if b.connect {
		bad = "responses/ConnectError"
	}
	return object{}.set(strconv.Itoa(status), good).set("default", reference(bad))
}

func jsonContent(schema any) object {
	return object{}.set("application/json", object{}.set("schema", schema))
}

// fixed adds the operations that are written by hand.
func (d *describer) fixed(f fixed) {
	for _, path := range f.Paths {
		for _, operation := range path.value {
			d.add(path.name, operation.name, operation.value)
		}
	}
}

// document puts everything together.
func (d *describer) document(f fixed) object {
	var paths object
	for _, path := range d.paths {
		paths = paths.set(path, d.operations[path])
	}
	slices.SortFunc(d.schemas.all, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	schemas := d.schemas.all
	for _, schema := range f.Components.Schemas {
		schemas = schemas.set(schema.name, schema.value)
	}
	var tags []any
	for _, tag := range d.tags {
		tags = append(tags, tag)
	}
	return object{}.
		set("openapi", "3.1.0").
		set("info", f.Info).
		set("servers", f.Servers).
		set("tags", append(tags, f.Tag)).
		set("security", []object{object{}.set("bearer", []string{})}).
		set("paths", paths).
		set("components", object{}.
			set("securitySchemes", f.Components.SecuritySchemes).
			set("parameters", f.Components.Parameters).
			set("headers", f.Components.Headers).
			set("responses", f.Components.Responses).
			set("schemas", schemas))
}
