package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/bastide-id/bastide/server"
)

// The exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" group:"run" help:"Start the server. On an empty data directory it makes the first instance and its owner."`
	Status      statusCommand      `cmd:"" group:"run" help:"Say whether the server runs and its database answers; fail if not."`
	Migrate     migrateCommand     `cmd:"" group:"run" help:"Bring the database to this program's schema; serve does the same when it starts."`
	Config      configCommand      `cmd:"" group:"run" help:"Look at the configuration."`
	Keys        keysCommand        `cmd:"" group:"run" help:"Look after the keys that sign the tokens of instances."`
	MasterKey   masterKeyCommand   `cmd:"" group:"run" help:"Look after the master key."`
	Instance    instanceCommand    `cmd:"" group:"use" help:"Look after instances."`
	Call        callCommand        `cmd:"" group:"use" help:"Call any method of the API, with JSON."`
	SystemToken systemTokenCommand `cmd:"" group:"use" help:"Print a token of a system user, good for an hour, to call the system API with."`
	Completion  completionCommand  `cmd:"" group:"program" help:"Print the script that completes this program's commands in a shell."`
	Version     versionCommand     `cmd:"" group:"program" help:"Print the version."`
}

// process is what a command has of the process it runs in.
type process struct {
	// name is how the program was started, as typed.
	name           string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// usageError is a mistake in how the program was called or configured.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run runs the program: args as in os.Args, env as in os.Environ. It returns
// the exit code once the command has ended; serve ends with ctx.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &process{name: args[0], stdin: stdin, stdout: stdout, stderr: stderr}
	err := dispatch(ctx, p, args[1:], env)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "bastide: %s\nbastide --help shows what there is.\n", indentLines(err))
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "bastide: %s\n", indentLines(err))
		return exitFailed
	}
}

// indentLines sets joined errors below each other. They may quote what others said.
func indentLines(err error) string {
	return strings.ReplaceAll(printableLines(err.Error()), "\n", "\n         ")
}

func dispatch(ctx context.Context, p *process, args, env []string) error {
	src := &sources{}
	helped := false
	parser, err := kong.New(&commands{},
		kong.Name("bastide"),
		kong.Description("Bastide is a multi-tenant identity directory."),
		kong.Vars(defaults(server.Defaults())),
		kong.ExplicitGroups(slices.Concat(groups, commandGroups)),
		kong.Writers(p.stdout, p.stderr),
		kong.Help(printHelp),
		// Help is printed while parsing, and kong goes on when this returns.
		kong.Exit(func(int) { helped = true }),
		kong.WithBeforeResolve(func(ctx *kong.Context) error { return src.load(ctx, env) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p, src),
	)
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == completeWord {
		printCandidates(p.stdout, parser.Model, args[1:])
		return nil
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	return parsed.Run()
}
