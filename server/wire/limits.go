package wire

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits bound what a caller can take of the server.
type Limits struct {
	// MaxHeaderBytes bounds the header of a request.
	MaxHeaderBytes int
	// HeaderTimeout is how long a caller may take to send a header.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout time.Duration
	// MaxBody bounds the body of a request, before and after decompression.
	MaxBody int
	// CallTimeout is how long a call may take, whatever the caller asks for.
	CallTimeout time.Duration
	// MaxStreams bounds the calls at once on one HTTP/2 connection.
	MaxStreams int
}

// DefaultLimits returns the limits of a server that faces the internet.
func DefaultLimits() Limits {
	return Limits{
		MaxHeaderBytes: 32 << 10,
		HeaderTimeout:  10 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxBody:        1 << 20,
		CallTimeout:    30 * time.Second,
		MaxStreams:     250,
	}
}

// orDefaults returns the limits with their zero fields set to the defaults.
func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		MaxHeaderBytes: positive(l.MaxHeaderBytes, d.MaxHeaderBytes),
		HeaderTimeout:  positive(l.HeaderTimeout, d.HeaderTimeout),
		IdleTimeout:    positive(l.IdleTimeout, d.IdleTimeout),
		MaxBody:        positive(l.MaxBody, d.MaxBody),
		CallTimeout:    positive(l.CallTimeout, d.CallTimeout),
		MaxStreams:     positive(l.MaxStreams, d.MaxStreams),
	}
}

func positive[N int | time.Duration](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}

// Server returns a server of handler with every limit set. It speaks HTTP/1.1,
// cleartext HTTP/2 with prior knowledge, and HTTP/2 under TLS.
func (w *Wire) Server(handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	l := w.limits
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: l.MaxStreams},
		MaxHeaderBytes:    l.MaxHeaderBytes,
		ReadHeaderTimeout: l.HeaderTimeout,
		IdleTimeout:       l.IdleTimeout,
		// Counts from the end of the header, so a call that uses all of its
		// time still has some left to be answered in.
		WriteTimeout: l.CallTimeout + l.HeaderTimeout,
		ErrorLog:     slog.NewLogLogger(w.log.Handler(), slog.LevelWarn),
	}
}
