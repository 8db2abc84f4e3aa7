package main

import (
	"fmt"
	"slices"
	"time"
)

// series is one figure, round by round.
type series []float64

// median returns the middle of the figures, 0 if there are none.
func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// equal is how far two figures may be apart and still count as the same.
const equal = 0.15

// scattered reports whether the middle half of the rounds is further apart than
// what counts as the same.
func (s series) scattered() bool {
	sorted := slices.Sorted(slices.Values(s))
	quarter := len(sorted) / 4
	return len(sorted) > 2 && sorted[len(sorted)-1-quarter]-sorted[quarter] > equal*s.median()
}

// each returns a figure of each sample.
func each(samples []sample, figure func(sample) float64) series {
	s := make(series, len(samples))
	for i, sample := range samples {
		s[i] = figure(sample)
	}
	return s
}

// over returns the quotients, round by round.
func (s series) over(divisor series) series {
	quotients := make(series, 0, len(s))
	for i, v := range s {
		if i < len(divisor) && divisor[i] > 0 {
			quotients = append(quotients, v/divisor[i])
		}
	}
	return quotients
}

// cell returns the median, and in parentheses that of the ratios; "–" for what
// was not measured.
func cell(s, ratios series) string {
	if len(s) == 0 {
		return "–"
	}
	text := fmt.Sprintf("%.0f", s.median())
	if len(ratios) > 0 {
		text += fmt.Sprintf(" (%.2f)", ratios.median())
	}
	if s.scattered() {
		text += " ~"
	}
	return text
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func cost(s sample) float64         { return microseconds(s.cost()) }
func databaseCost(s sample) float64 { return microseconds(s.databaseCost()) }
func rate(s sample) float64         { return s.rate() }

// costRatio returns what the ceiling costs by what the target costs: 1 is as
// cheap as the ceiling.
func (r row) costRatio(target string) series {
	return each(r.rounds[ceilingRole], cost).over(each(r.rounds[target], cost))
}

// rateRatio returns how many calls the target answers by how many the ceiling
// does.
func (r row) rateRatio(target string) series {
	return each(r.rounds[target], rate).over(each(r.rounds[ceilingRole], rate))
}
