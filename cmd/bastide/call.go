package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
)

type callCommand struct {
	Method     string `arg:"" complete:"method" help:"Service and method: auth.v1.AuthService/GetMyUser; what comes before AuthService may be left out."`
	Data       string `group:"command" short:"d" placeholder:"JSON" default:"{}" help:"The request; @FILE takes it from a file, - from standard input."`
	All        bool   `group:"command" help:"Read a list to its end, page by page, and print each element on a line."`
	Compact    bool   `group:"command" help:"Print the answer on one line."`
	Include    bool   `group:"command" short:"i" help:"Show the status and the headers of the answer, on standard error."`
	target     `group:"target"`
	Host       string `group:"target" placeholder:"HOST" help:"Domain of the tenant, where it is not the host of the URL."`
	credential `group:"credential"`
	Org        string `group:"credential" placeholder:"ID" help:"Organization to act in; without it the caller's own."`
	place      `group:"place"`
	address    `group:"address"`
}

// Help shows how it is used, and says where the methods and the credential come
// from and where a secret is safe.
func (callCommand) Help() string {
	return `Beside a server that runs on the same data directory it takes no flag:

  bastide call auth.v1.AuthService/GetMyUser
  bastide call management.v1.ManagementService/AddMachineUser -d '{"userName": "bot", "name": "Bot"}'
  bastide call management.v1.ManagementService/ListUsers --all
  bastide call system.v1.SystemService/ListInstances

Another server, or a tenant of this one, is given by its URL, with a token:

  bastide call auth.v1.AuthService/GetMyUser --url https://acme.example.com --token-file acme.pat

Methods. A service without a method lists those it has, and the shell completes
both (bastide completion --help). The server describes its methods by gRPC
reflection; where a proxy lets only HTTP/1.1 through, the methods are those that
this program knows, and a call by Connect or gRPC-Web works all the same.

Answers. JSON on standard output, errors on standard error. The exit code is 0
for an answer, 1 for a call that failed and 2 for a mistake in the command.

Who calls. Without a credential it is the owner of the first instance, by the
owner.pat in the data directory, and the system user for the system API, by the
system.key.pem there; these are sent to the server that runs on the directory,
and to no other. Others on this machine can see the flags of a command: have
tokens in a file or in the variable BASTIDE_TOKEN, and requests with secrets in a
file.`
}

// Run makes one call, or one for each page of a list.
func (c callCommand) Run(ctx context.Context, p *process, src *sources) error {
	config, err := complete(server.Config{}, c.place, c.address)
	if err != nil {
		return err
	}
	if c.TokenFile == "-" && (c.Data == "-" || c.Data == "@-") {
		return usageError{fmt.Errorf("--data: standard input is the token already: give a file")}
	}
	data, err := readData(p, c.Data)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	at, err := c.locate(ctx, config)
	if err != nil {
		return err
	}
	who, err := c.option(p, at, src.environment[envName(tokenFlag)], isSystem(c.Method))
	if err != nil {
		return err
	}
	options := []client.Option{who}
	if c.Org != "" {
		options = append(options, client.WithOrganization(c.Org))
	}
	to, err := c.connect(ctx, at, c.Host, options...)
	if err != nil {
		return err
	}
	method, err := to.method(ctx, c.Method)
	if err != nil {
		return to.explain(err)
	}
	if c.Include {
		to.noting.path = "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	}
	request, err := readRequest(method, data)
	if err != nil {
		return err
	}
	if c.All {
		return to.explain(c.printAll(ctx, p, to, method, request))
	}
	response, err := to.answer(ctx, p, method, request)
	if err != nil {
		return to.explain(err)
	}
	return printMessage(p.stdout, method, response, c.Compact)
}

// isSystem reports whether a method, however its name is written, is one of the
// system API, which only system users call.
func isSystem(method string) bool {
	service, _ := splitMethod(method)
	full := contractPackage + "system.v1.SystemService"
	return full == service || service != "" && strings.HasSuffix(full, "."+service)
}

// answer makes one call, and shows the headers of its answer if they were noted.
func (r *remote) answer(ctx context.Context, p *process, method *reflected, request *dynamicpb.Message) (*dynamicpb.Message, error) {
	response := dynamicpb.NewMessage(method.Output())
	err := r.Call(ctx, method.MethodDescriptor, request, response)
	r.noting.print(p.stderr)
	return response, err
}

// printAll prints the elements of a list as they come.
func (c callCommand) printAll(ctx context.Context, p *process, to *remote, method *reflected, request *dynamicpb.Message) error {
	list, err := listField(method)
	if err != nil {
		return err
	}
	read := func(ctx context.Context, request *dynamicpb.Message) (*dynamicpb.Message, error) {
		return to.answer(ctx, p, method, request)
	}
	elements := func(response *dynamicpb.Message) (messages []*dynamicpb.Message) {
		values := response.Get(list).List()
		for i := range values.Len() {
			messages = append(messages, values.Get(i).Message().Interface().(*dynamicpb.Message))
		}
		return messages
	}
	for element, err := range client.AllOf(ctx, read, request, elements) {
		if err != nil {
			return err
		}
		if err := printMessage(p.stdout, method, element, true); err != nil {
			return err
		}
	}
	return nil
}
