package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// sources are where the settings come from that are not flags of the call: the
// environment, then the file, then the default.
type sources struct {
	// environment has the BASTIDE_ variables that are set.
	environment map[string]string
	file        *file
	// flags are those of the command that was called.
	flags []*kong.Flag
}

const envPrefix = "BASTIDE_"

// envName is the variable of a flag: data-dir, BASTIDE_DATA_DIR.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fileKey is the key of a flag in the file: data-dir, dataDir.
func fileKey(flag string) string {
	words := strings.Split(flag, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// settingFlags returns the flags that are settings. The flags of serve are all
// of them; other commands have some.
func settingFlags(app *kong.Application) map[string]*kong.Flag {
	flags := map[string]*kong.Flag{}
	for _, command := range app.Children {
		if command.Name != "serve" {
			continue
		}
		for _, flag := range command.Flags {
			flags[flag.Name] = flag
		}
	}
	return flags
}

// load reads the environment and the file for a command that has settings, and
// has kong ask for what the command line leaves open. kong calls it once for
// each part of the command line.
func (s *sources) load(ctx *kong.Context, env []string) error {
	if s.file != nil {
		return nil
	}
	s.file = &file{}
	command := ctx.Selected()
	if command == nil {
		return nil
	}
	s.flags = command.Flags
	flags := settingFlags(ctx.Model)
	at := slices.IndexFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "config" })
	if at < 0 {
		return nil
	}
	var err error
	if s.environment, err = environment(env, flags); err != nil {
		return err
	}
	path, _ := ctx.FlagValue(command.Flags[at]).(string)
	if path == "" {
		path = s.environment[envName("config")]
	}
	if path != "" {
		if s.file, err = readFile(path, flags); err != nil {
			return err
		}
	}
	ctx.AddResolver(s)
	return nil
}

// Resolve returns the value of a flag that the command line leaves open, nil if
// nobody else sets it. It names the source of a value that does not fit.
func (s *sources) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == tokenFlag {
		return nil, nil // any flag of a credential counts before the variable
	}
	value, source := s.environment[envName(flag.Name)], envName(flag.Name)
	if value == "" {
		value, source = s.file.values[flag.Name], s.file.path+", "+fileKey(flag.Name)
	}
	if value == "" {
		return nil, nil
	}
	trial := &kong.DecodeContext{Value: flag.Value, Scan: kong.ScanAsType(kong.FlagValueToken, value)}
	if err := flag.Mapper.Decode(trial, reflect.New(flag.Target.Type()).Elem()); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return value, nil
}

// Validate refuses a limit or a lifetime of 0, which some would read as none: the
// server would take its default, and nobody would know.
func (s *sources) Validate(*kong.Application) error {
	for _, flag := range s.flags {
		if flag.Group == nil || !flag.HasDefault || !flag.Target.IsZero() {
			continue
		}
		switch flag.Group.Key {
		case "limits":
			return fmt.Errorf("--%s: 0 is not a limit, and no limit can be turned off", flag.Name)
		case "keys":
			return fmt.Errorf("--%s: 0 is not a lifetime: give an hour (1h) or more, or a negative time for ever", flag.Name)
		}
	}
	return nil
}

// fromKubernetes matches what Kubernetes sets in every container beside a
// service that is named bastide.
var fromKubernetes = regexp.MustCompile(`^BASTIDE_(SERVICE_HOST=|SERVICE_PORT(_[A-Z0-9_]+)?=|PORT=[a-z]+://|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=)`)

// testPrefix begins the variables that the tests of Bastide read. Whoever runs
// both has them set for the program as well.
const testPrefix = envPrefix + "TEST_"

// clientVariables are the flags of commands which call a server that are
// variables as well. They are no settings: the file does not have them.
var clientVariables = []string{urlFlag, tokenFlag}

const (
	urlFlag   = "url"
	tokenFlag = "token"
)

func isClientVariable(flag *kong.Flag) bool { return slices.Contains(clientVariables, flag.Name) }

// environment returns the BASTIDE_ variables of env. An empty one counts as not
// set. One that belongs to no flag is an error.
func environment(env []string, flags map[string]*kong.Flag) (map[string]string, error) {
	known := map[string]bool{}
	for name := range flags {
		known[envName(name)] = true
	}
	for _, name := range clientVariables {
		known[envName(name)] = true
	}
	set := map[string]string{}
	unknown := map[string]bool{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, testPrefix) || fromKubernetes.MatchString(variable):
		case known[name]:
			set[name] = value
		default:
			unknown[name] = true
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		errs = append(errs, fmt.Errorf("the environment variable %s is not a setting", name))
	}
	return set, errors.Join(errs...)
}
