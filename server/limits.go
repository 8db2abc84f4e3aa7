package server

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/bastide-id/bastide/server/wire"
)

// Limits bound what callers may cost. The zero value of a field means its
// default.
type Limits struct {
	// MaxHeaderBytes bounds the header of a request.
	MaxHeaderBytes int
	// HeaderTimeout is how long a request's header may take to arrive.
	HeaderTimeout time.Duration
	// IdleTimeout closes a connection without calls.
	IdleTimeout time.Duration
	// CallTimeout is the longest a call may take.
	CallTimeout time.Duration
	// MaxBodyBytes bounds the body of a request after decompression.
	MaxBodyBytes int
	// MaxHTTP2Streams bounds the calls at once on one connection.
	MaxHTTP2Streams int
	// DefaultListLimit is the page of a list call that asks for no size.
	DefaultListLimit int
	// MaxListLimit is the largest page a list call may ask for.
	MaxListLimit int
	// DrainTimeout is how long running calls may take to end when the server
	// stops.
	DrainTimeout time.Duration
	// PasswordWorkers is how many passwords are hashed at once.
	PasswordWorkers int
}

// wire returns what the room of that name needs of the limits.
func (l Limits) wire() wire.Limits {
	return wire.Limits{
		MaxHeaderBytes: l.MaxHeaderBytes,
		HeaderTimeout:  l.HeaderTimeout,
		IdleTimeout:    l.IdleTimeout,
		MaxBody:        l.MaxBodyBytes,
		CallTimeout:    l.CallTimeout,
		MaxStreams:     l.MaxHTTP2Streams,
	}
}

// or returns the limits with zero fields taken from d.
func (l Limits) or(d Limits) Limits {
	l.MaxHeaderBytes = cmp.Or(l.MaxHeaderBytes, d.MaxHeaderBytes)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, d.HeaderTimeout)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, d.IdleTimeout)
	l.CallTimeout = cmp.Or(l.CallTimeout, d.CallTimeout)
	l.MaxBodyBytes = cmp.Or(l.MaxBodyBytes, d.MaxBodyBytes)
	l.MaxHTTP2Streams = cmp.Or(l.MaxHTTP2Streams, d.MaxHTTP2Streams)
	l.MaxListLimit = cmp.Or(l.MaxListLimit, d.MaxListLimit)
	l.DefaultListLimit = cmp.Or(l.DefaultListLimit, min(d.DefaultListLimit, l.MaxListLimit))
	l.DrainTimeout = cmp.Or(l.DrainTimeout, d.DrainTimeout)
	l.PasswordWorkers = cmp.Or(l.PasswordWorkers, d.PasswordWorkers)
	return l
}

// check returns an error for each limit that nothing could work within.
func (l Limits) check() error {
	var errs []error
	for _, setting := range []struct {
		flag        string
		value, most int
	}{
		{"max-header-bytes", l.MaxHeaderBytes, 16 << 20},
		{"max-body-bytes", l.MaxBodyBytes, 1 << 30},
		{"max-http2-streams", l.MaxHTTP2Streams, 1 << 16},
		{"max-list-limit", l.MaxListLimit, 1 << 20},
		{"default-list-limit", l.DefaultListLimit, l.MaxListLimit},
		{"password-workers", l.PasswordWorkers, 1 << 10},
	} {
		if setting.value < 1 || setting.value > setting.most {
			errs = append(errs, fmt.Errorf("--%s: %d is out of range: give 1 to %d", setting.flag, setting.value, setting.most))
		}
	}
	for _, setting := range []struct {
		flag  string
		value time.Duration
	}{
		{"header-timeout", l.HeaderTimeout},
		{"idle-timeout", l.IdleTimeout},
		{"call-timeout", l.CallTimeout},
		{"drain-timeout", l.DrainTimeout},
	} {
		if setting.value < 0 {
			errs = append(errs, fmt.Errorf("--%s: %s is negative: give a time such as 30s", setting.flag, setting.value))
		}
	}
	return errors.Join(errs...)
}
