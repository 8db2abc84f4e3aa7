package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// results are everything that was found. What was not measured is empty.
type results struct {
	options  options
	when     time.Time
	machine  string
	postgres string // its version
	targets  []string
	rows     []row
	// statements are by the name of the call, creations and crowdings by that of
	// the target.
	statements map[string]statements
	creations  map[string]creation
	crowdings  map[string]crowding
	program    *program
}

// row is a call on a protocol with a number of connections.
type row struct {
	call        string
	protocol    string
	connections int
	// rounds are the samples by target; those of one round have one index.
	rounds map[string][]sample
}

// bench is a measurement that runs.
type bench struct {
	options  options
	dir      string
	results  *results
	database *database // nil without PostgreSQL
	targets  []target  // without the ceiling
	ceiling  target
	cleanup  []func() error
}

// measure measures what the options ask for. Files go into dir.
func measure(ctx context.Context, o options, dir string) (_ *results, err error) {
	b := &bench{options: o, dir: dir, results: &results{
		options: o, when: time.Now(), machine: machine(),
		statements: map[string]statements{}, creations: map[string]creation{}, crowdings: map[string]crowding{},
	}}
	defer func() {
		for _, f := range slices.Backward(b.cleanup) {
			err = errors.Join(err, f())
		}
	}()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{partProgram, b.measureProgram},
		{"", b.startAll},
		{partStatements, b.measureStatements},
		{partLatency, b.measureCreations},
		{partPasswords, b.measureCrowdings},
		{partCalls, b.measureCalls},
	} {
		if part.name != "" && !slices.Contains(o.parts, part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return nil, err
		}
	}
	return b.results, nil
}

func (b *bench) measureProgram(ctx context.Context) error {
	progress("building and starting the program")
	p, err := measureProgram(ctx, b.dir)
	b.results.program = &p
	return err
}

// startAll starts the servers: those to measure, then the ceiling, which learns
// its answers from the first of them.
func (b *bench) startAll(ctx context.Context) error {
	if slices.Equal(b.options.parts, []string{partProgram}) {
		return nil
	}
	progress("starting the servers")
	if b.options.url != "" {
		t, err := otherTarget(ctx, b.options)
		if err != nil {
			return err
		}
		b.targets = append(b.targets, t)
	} else {
		for _, name := range b.options.databases {
			if err := b.startOn(ctx, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	wanted := chosen(b.options.calls)
	for i := range b.targets {
		t := &b.targets[i]
		b.results.targets = append(b.results.targets, t.name)
		if !slices.ContainsFunc(wanted, func(c call) bool { return c.plain != nil }) {
			continue
		}
		if err := t.enroll(ctx); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	c, t, err := startCeiling(ctx, b.targets[0], wanted, filepath.Join(b.dir, "answers"))
	if err != nil {
		return err
	}
	b.ceiling = t
	b.cleanup = append(b.cleanup, c.stop)
	return nil
}

func (b *bench) startOn(ctx context.Context, name string) error {
	var dsn []string
	if name == postgres {
		d, err := startPostgres(ctx)
		if err != nil {
			return err
		}
		b.database, b.results.postgres = d, d.version
		b.cleanup = append(b.cleanup, d.close)
		if !slices.Contains(b.options.parts, partStatements) {
			if err := d.stopCounting(ctx); err != nil {
				return err
			}
		}
		url, err := d.server.Create(ctx, "bench")
		if err != nil {
			return err
		}
		dsn = append(dsn, url)
	}
	c, t, err := startCandidate(ctx, name, filepath.Join(b.dir, name), dsn...)
	if err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, c.stop)
	if name == postgres {
		t.database = b.database.meter
	}
	b.targets = append(b.targets, t)
	return nil
}

func (b *bench) measureStatements(ctx context.Context) error {
	if b.database == nil {
		return nil
	}
	t := b.targets[slices.IndexFunc(b.targets, func(t target) bool { return t.name == postgres })]
	for _, c := range chosen(b.options.calls) {
		progress("counting the statements of " + c.name)
		s, err := b.database.statementsOf(ctx, t, c)
		if err != nil {
			return err
		}
		b.results.statements[c.name] = s
	}
	return b.database.stopCounting(ctx)
}

func (b *bench) measureCreations(ctx context.Context) error {
	for _, t := range b.targets {
		progress("creating instances on " + t.name)
		r, err := measureCreation(ctx, t, b.options.quick)
		if err != nil {
			return err
		}
		b.results.creations[t.name] = r
	}
	return nil
}

// settle returns when no server has anything left to do by itself.
func (b *bench) settle(ctx context.Context) error {
	var all errgroup.Group
	for _, t := range append([]target{b.ceiling}, b.targets...) {
		all.Go(func() error { return t.settle(ctx) })
	}
	return all.Wait()
}

func (b *bench) measureCrowdings(ctx context.Context) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	for _, t := range b.targets {
		progress("hashing passwords on " + t.name)
		r, err := measureCrowding(ctx, t, b.options.rounds, b.options.duration)
		if err != nil {
			return err
		}
		b.results.crowdings[t.name] = r
	}
	return nil
}

func (b *bench) measureCalls(ctx context.Context) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	for _, c := range chosen(b.options.calls) {
		for _, protocol := range c.over(b.options.protocols) {
			for _, connections := range b.options.connections {
				progress(fmt.Sprintf("%s over %s on %d connections", c.name, protocol, connections))
				r, err := b.measureRow(ctx, c, protocol, connections)
				if err != nil {
					return fmt.Errorf("%s over %s: %w", c.name, protocol, err)
				}
				b.results.rows = append(b.results.rows, r)
			}
		}
	}
	return nil
}

// measureRow lets the ceiling and each server take turns, so that whatever else
// the machine does meets all of them.
func (b *bench) measureRow(ctx context.Context, c call, protocol string, connections int) (row, error) {
	r := row{call: c.name, protocol: protocol, connections: connections, rounds: map[string][]sample{}}
	for range b.options.rounds {
		// A bare handler has no REST: what it does for Connect JSON is the
		// least that REST could take.
		for _, turn := range append([]target{b.ceiling}, b.targets...) {
			spoken := protocol
			if turn.name == ceilingRole && protocol == rest {
				spoken = connectJSON
			}
			s, err := turn.load(ctx, c, spoken, connections, b.options.duration)
			if err != nil {
				return r, fmt.Errorf("%s: %w", turn.name, err)
			}
			r.rounds[turn.name] = append(r.rounds[turn.name], s)
		}
	}
	return r, nil
}

func progress(text string) { fmt.Fprintln(os.Stderr, "bench:", text) }

// machine describes what all of this runs on.
func machine() string {
	model := ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = " (" + strings.TrimSpace(value) + ")"
				break
			}
		}
	}
	return fmt.Sprintf("%d processors%s, %s/%s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
