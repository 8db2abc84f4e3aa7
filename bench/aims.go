package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The aims.
const (
	aimRatio    = 0.25
	aimCreation = 20 * time.Millisecond
	aimReady    = 300 * time.Millisecond
	aimMemory   = 40_000_000
	aimBinary   = 60_000_000
)

// writeAims writes which aims were reached, of those that were measured.
func (r *results) writeAims(b *strings.Builder) {
	var lines [][]string
	add := func(reached bool, what, aim, found string) {
		verdict := "no"
		if reached {
			verdict = "yes"
		}
		lines = append(lines, []string{what, aim, found, verdict})
	}
	if ratios, worst := r.userRatios(); ratios != "" {
		add(worst >= aimRatio, "GetMyUser, Connect JSON, SQLite: processor time against the ceiling", fmt.Sprintf("≥ %.2f", aimRatio), ratios)
	}
	for _, target := range r.targets {
		c, ok := r.creations[target]
		if !ok {
			continue
		}
		aim := fmt.Sprintf("p99 ≤ %s ms", milliseconds(aimCreation))
		token, key := c.token.percentile(99), c.key.percentile(99)
		add(token <= aimCreation, "CreateInstance with a token, "+title(target), aim, milliseconds(token)+" ms")
		add(key <= aimCreation, "CreateInstance with a key made ahead, "+title(target), aim, milliseconds(key)+" ms")
	}
	if p := r.program; p != nil {
		ready := p.ready.percentile(50)
		add(ready < aimReady, "start to ready", fmt.Sprintf("< %s ms", milliseconds(aimReady)), milliseconds(ready)+" ms")
		if p.resident > 0 {
			add(p.resident < aimMemory, "idle memory", "< "+megabytes(aimMemory), megabytes(p.resident))
		}
		add(p.stripped < aimBinary, "binary", "< "+megabytes(aimBinary), megabytes(p.stripped))
	}
	table(b, "Aims", []string{"what", "aim", "found", "reached"}, lines)
}

// userRatios returns the ratios of the aim for each number of connections, and
// the lowest of them.
func (r *results) userRatios() (text string, worst float64) {
	var texts []string
	var all []float64
	for _, row := range r.rows {
		if row.call != nameGetMyUser || row.protocol != connectJSON || len(row.rounds[sqlite]) == 0 {
			continue
		}
		ratio := row.costRatio(sqlite).median()
		if ratio == 0 {
			continue // not measured
		}
		all = append(all, ratio)
		texts = append(texts, fmt.Sprintf("%.2f on %d", ratio, row.connections))
	}
	if all == nil {
		return "", 0
	}
	return strings.Join(texts, ", ") + " connections", slices.Min(all)
}
