package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts of a measurement.
const (
	partCalls      = "calls"
	partStatements = "statements"
	partLatency    = "latency"
	partPasswords  = "passwords"
	partProgram    = "program"
)

// The databases that the server can be measured on.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// The protocols that a call can be measured over.
const (
	connectJSON = "connect"
	grpc        = "grpc"
	rest        = "rest"
	// oauthHTTP is how the calls of OAuth go, whichever protocols are chosen
	// for the others.
	oauthHTTP = "oauth"
)

// options are the flags.
type options struct {
	// command is the command line, without tokens.
	command     string
	rounds      int
	duration    time.Duration
	quick       bool
	parts       []string
	databases   []string
	calls       []string
	protocols   []string
	connections []int
	output      string
	// url is another server to measure instead of this module's; empty if
	// none. The tokens are for it.
	url                string
	token, systemToken string
}

// The most that can be asked for, so that a slip of the finger ends some time.
const (
	maxRounds      = 100
	maxSeconds     = 60
	maxConnections = 1024
)

// parse reads the command line. It returns flag.ErrHelp if help was asked for
// and printed, and an error that names the flag for anything not valid.
func parse(args []string) (options, error) {
	o := options{command: "go run ./bench"}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	seconds := flags.Float64("seconds", 1, "`length` of a round in seconds")
	var parts, databases, calls, protocols, connections string
	flags.IntVar(&o.rounds, "rounds", 5, "`number` of rounds; the median counts")
	flags.BoolVar(&o.quick, "quick", false, "one short round: shows that it works, its figures mean little")
	flags.StringVar(&parts, "parts", "calls,statements,latency,passwords,program", "what to measure, a `list`")
	flags.StringVar(&databases, "db", "sqlite,postgres", "databases, a `list`")
	flags.StringVar(&calls, "calls", strings.Join(callNames(), ","), "calls, a `list`")
	flags.StringVar(&protocols, "protocols", "connect,grpc,rest", "protocols, a `list`")
	flags.StringVar(&connections, "connections", "1,16,64", "connections at once, a `list`")
	flags.StringVar(&o.output, "o", "", "`file` whose part between the markers gets the result, instead of standard output")
	flags.StringVar(&o.url, "url", "", "`URL` of another server on this machine that speaks the contract; only its calls per second are measured")
	flags.StringVar(&o.token, "token", "", "`token` of an instance owner at -url")
	flags.StringVar(&o.systemToken, "system-token", "", "`token` of a system user at -url")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("%q: flags only", flags.Arg(0))
	}
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "token", "system-token":
		default:
			o.command += fmt.Sprintf(" -%s=%s", f.Name, f.Value)
		}
	})
	if o.quick {
		o.rounds, *seconds = 1, 0.2
	}
	o.duration = time.Duration(*seconds * float64(time.Second))
	var errs [5]error
	o.parts, errs[0] = list("parts", parts, []string{partCalls, partStatements, partLatency, partPasswords, partProgram})
	o.databases, errs[1] = list("db", databases, []string{sqlite, postgres})
	o.calls, errs[2] = list("calls", calls, callNames())
	o.protocols, errs[3] = list("protocols", protocols, []string{connectJSON, grpc, rest})
	o.connections, errs[4] = numbers("connections", connections)
	return o, errors.Join(append(errs[:], o.check())...)
}

// check returns an error for each flag that is out of range.
func (o *options) check() error {
	var errs []error
	if o.rounds < 1 || o.rounds > maxRounds {
		errs = append(errs, fmt.Errorf("-rounds: %d: give 1 to %d", o.rounds, maxRounds))
	}
	if o.duration <= 0 || o.duration > maxSeconds*time.Second {
		errs = append(errs, fmt.Errorf("-seconds: %s: give up to %d", o.duration, maxSeconds))
	}
	if o.url == "" {
		if o.token != "" || o.systemToken != "" {
			errs = append(errs, errors.New("-token and -system-token are for -url"))
		}
		return errors.Join(errs...)
	}
	u, err := url.Parse(o.url)
	switch {
	case err != nil || u.Scheme != "http" || u.Port() == "":
		errs = append(errs, errors.New("-url: give http://host:port"))
	case !isLoopback(u.Hostname()):
		errs = append(errs, errors.New("-url: only this machine is put under load: give a loopback address"))
	}
	o.parts = []string{partCalls}
	return errors.Join(errs...)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// list splits a flag and returns an error for what is not among the known.
func list(flagName, text string, known []string) ([]string, error) {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); !slices.Contains(known, item) {
			return nil, fmt.Errorf("-%s: %q: give a list of %s", flagName, item, strings.Join(known, ", "))
		}
		items = append(items, item)
	}
	return items, nil
}

func numbers(flagName, text string) ([]int, error) {
	var items []int
	for item := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < 1 || n > maxConnections {
			return nil, fmt.Errorf("-%s: %q: give a list of numbers from 1 to %d", flagName, item, maxConnections)
		}
		items = append(items, n)
	}
	return items, nil
}
