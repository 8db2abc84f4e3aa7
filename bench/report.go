package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// The lines between which a file gets the report.
const (
	markerBegin = "<!-- begin of what bench wrote -->"
	markerEnd   = "<!-- end of what bench wrote -->"
)

// replaceInFile puts text between the markers of a file. It returns an error if
// the file does not have each marker once, in their order.
func replaceInFile(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, _ := strings.Cut(string(old), markerBegin)
	replaced, after, found := strings.Cut(rest, markerEnd)
	if !found || strings.Contains(replaced+after, markerBegin) || strings.Contains(before+after, markerEnd) {
		return fmt.Errorf("%s: needs the lines %q and %q, each once", path, markerBegin, markerEnd)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(before+markerBegin+"\n\n"+text+"\n"+markerEnd+after), info.Mode().Perm())
}

// title returns how a report calls a target.
func title(target string) string {
	switch target {
	case sqlite:
		return "SQLite"
	case postgres:
		return "PostgreSQL"
	default:
		return target
	}
}

var protocolTitles = map[string]string{connectJSON: "Connect JSON", grpc: "gRPC", rest: "REST", oauthHTTP: "OAuth"}

// markdown returns the report.
func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "`%s`, %s, on %s", r.options.command, r.when.UTC().Format(time.DateOnly), r.machine)
	if r.postgres != "" {
		fmt.Fprintf(&b, ", PostgreSQL %s", r.postgres)
	}
	fmt.Fprintf(&b, "; %d rounds of %s.\n", r.options.rounds, r.options.duration)
	r.writeAims(&b)
	r.writeCalls(&b)
	r.writeStatements(&b)
	r.writeCreations(&b)
	r.writeCrowdings(&b)
	r.writeProgram(&b)
	return b.String()
}

// table writes a markdown table with its heading.
func table(b *strings.Builder, heading string, columns []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n| %s |\n|%s\n", heading, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

// writeCalls writes a table for each target and one for the ceiling.
func (r *results) writeCalls(b *strings.Builder) {
	for _, target := range r.targets {
		r.writeTarget(b, title(target)+": processor time per call (ceiling ÷ ours) and calls per second (ours ÷ ceiling)", target)
	}
	r.writeTarget(b, "The ceiling: a bare handler", ceilingRole)
}

func (r *results) writeTarget(b *strings.Builder, heading, target string) {
	columns := []string{"call", "protocol"}
	for _, n := range r.options.connections {
		columns = append(columns, fmt.Sprintf("µs, %d conn.", n))
	}
	if target == postgres {
		for _, n := range r.options.connections {
			columns = append(columns, fmt.Sprintf("database's µs, %d", n))
		}
	}
	for _, n := range r.options.connections {
		columns = append(columns, fmt.Sprintf("calls/s, %d conn.", n))
	}
	var lines [][]string
	for _, c := range calls {
		for _, protocol := range c.over(r.options.protocols) {
			if target == ceilingRole && protocol == rest {
				continue // that of Connect JSON
			}
			if line := r.line(target, c.name, protocol); line != nil {
				lines = append(lines, line)
			}
		}
	}
	table(b, heading, columns, lines)
}

// line returns the cells of a call on a protocol, nil if it was not measured.
func (r *results) line(target, call, protocol string) []string {
	var costs, databaseCosts, rates []string
	for _, row := range r.rows {
		if row.call != call || row.protocol != protocol {
			continue
		}
		samples := row.rounds[target]
		var costRatio, rateRatio series
		if target != ceilingRole {
			costRatio, rateRatio = row.costRatio(target), row.rateRatio(target)
		}
		costs = append(costs, cell(each(samples, cost), costRatio))
		rates = append(rates, cell(each(samples, rate), rateRatio))
		if target == postgres {
			databaseCosts = append(databaseCosts, cell(each(samples, databaseCost), nil))
		}
	}
	if costs == nil {
		return nil
	}
	line := append([]string{call, protocolTitles[protocol]}, costs...)
	return append(append(line, databaseCosts...), rates...)
}

func (r *results) writeStatements(b *strings.Builder) {
	var lines [][]string
	for _, c := range calls {
		if s, ok := r.statements[c.name]; ok {
			lines = append(lines, []string{c.name, number(s.all), number(s.transactions)})
		}
	}
	table(b, "SQL statements per call (PostgreSQL)", []string{"call", "statements", "of these begin or end a transaction"}, lines)
}

// number returns a figure with one place after the point, if that is not 0.
func number(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") }

func (r *results) writeCreations(b *strings.Builder) {
	var lines [][]string
	for _, target := range r.targets {
		c, ok := r.creations[target]
		if !ok {
			continue
		}
		for _, kind := range []struct {
			name string
			took latencies
		}{
			{"with a token", c.token},
			{"with a token and a key made ahead", c.key},
			{"with a token and a key, none left", c.drained},
		} {
			lines = append(lines, []string{
				title(target), kind.name, fmt.Sprint(len(kind.took)),
				milliseconds(kind.took.percentile(50)), milliseconds(kind.took.percentile(99)), milliseconds(kind.took.percentile(100)),
			})
		}
	}
	table(b, "CreateInstance, one after the other (ms, Connect JSON)", []string{"database", "owner", "calls", "p50", "p99", "longest"}, lines)
}

func (r *results) writeCrowdings(b *strings.Builder) {
	var lines [][]string
	for _, target := range r.targets {
		c, ok := r.crowdings[target]
		if !ok {
			continue
		}
		lines = append(lines, []string{
			title(target), number(c.offered), percent(c.kept(idle)), percent(c.kept(busy)), number(c.hashes.median()),
			fmt.Sprintf("%.2f", c.p99(idle).median()), fmt.Sprintf("%.2f", c.p99(busy).median()), times(c.slowdown()),
		})
	}
	table(b, fmt.Sprintf("GetMyUser at %.0f %% of its idle rate while passwords are hashed (Connect JSON, %d connections)", share*100, callers), []string{
		"database", "calls/s", "kept, idle", "kept, hashing", "hashes/s", "p99 in ms, idle", "p99 in ms, hashing", "hashing ÷ idle",
	}, lines)
}

// times returns the median of ratios, marked where they lie far apart.
func times(ratios series) string {
	text := fmt.Sprintf("%.2f", ratios.median())
	if ratios.scattered() {
		text += " ~"
	}
	return text
}

func percent(f float64) string { return fmt.Sprintf("%.1f %%", f*100) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func (r *results) writeProgram(b *strings.Builder) {
	p := r.program
	if p == nil {
		return
	}
	lines := [][]string{
		{"from start on an empty directory to `/debug/ready`", fmt.Sprintf("%s ms (median of %d)", milliseconds(p.ready.percentile(50)), len(p.ready))},
	}
	if p.resident > 0 {
		lines = append(lines, []string{"resident memory, idle", fmt.Sprintf("%s (at most %s since the start)", megabytes(p.resident), megabytes(p.highest))})
	}
	lines = append(lines,
		[]string{"binary, `CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w\"`", megabytes(p.stripped)},
		[]string{"binary, `CGO_ENABLED=0 go build -trimpath`", megabytes(p.whole)},
	)
	table(b, "The program (SQLite)", []string{"what", "how much"}, lines)
}
