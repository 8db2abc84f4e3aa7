package main

import (
	"encoding"
	"fmt"
	"time"
)

// expiry is when something ends to be valid: after a time, or at a moment.
type expiry struct {
	after time.Duration
	at    time.Time
}

var _ encoding.TextUnmarshaler = (*expiry)(nil)

// UnmarshalText takes a time such as 720h, a day such as 2031-01-31, which
// stands for its beginning in UTC, or a moment such as 2031-01-31T12:00:00Z.
func (e *expiry) UnmarshalText(text []byte) error {
	s := string(text)
	if after, err := time.ParseDuration(s); err == nil {
		if after <= 0 {
			return fmt.Errorf("%s is not in the future", s)
		}
		*e = expiry{after: after}
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		at, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if !at.After(time.Now()) {
			return fmt.Errorf("%s is not in the future", s)
		}
		*e = expiry{at: at}
		return nil
	}
	return fmt.Errorf("%q is no time: give one from now on such as 720h, or a date such as 2031-01-31", s)
}

// moment returns when it ends for what is made now, in whole seconds, not less
// than asked for; the zero time is never.
func (e expiry) moment() time.Time {
	if e.after > 0 {
		return time.Now().Add(e.after + time.Second - 1).UTC().Truncate(time.Second)
	}
	return e.at.UTC()
}
