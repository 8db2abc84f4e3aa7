package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
)

// ended says why a command ended before it was done, nil if that is not what err
// is about.
func ended(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), connect.CodeOf(err) == connect.CodeCanceled:
		return errors.New("interrupted")
	case errors.Is(err, context.DeadlineExceeded), connect.CodeOf(err) == connect.CodeDeadlineExceeded:
		return errors.New("there was no answer in time: --timeout gives it more")
	}
	return nil
}

// explain says what a call answered: the code, the id, the sentence, and each
// field that is wrong.
func (r *remote) explain(err error) error { return r.explainFields(err, nil) }

// explainFields is explain with other names for fields, such as the flags that
// they come from.
func (r *remote) explainFields(err error, names map[string]string) error {
	if err != nil && connect.CodeOf(err) == connect.CodeUnavailable && r.external != "" && errors.Is(r.down, server.ErrNotRunning) {
		return fmt.Errorf("no server runs on the data directory %s, and none answers at %s: start it with bastide serve, or name another one with --url", r.dataDir, r.url)
	}
	if early := ended(err); early != nil {
		return early
	}
	if isTooLong(err) {
		return errTooLong
	}
	var e *client.Error
	if !errors.As(err, &e) {
		return err
	}
	text := e.Code.String()
	if e.ID != "" {
		text += " (" + printable(e.ID) + ")"
	}
	if e.Message != "" && len(e.Violations) == 0 { // else it is what they say
		text += ": " + printable(e.Message)
	}
	for _, v := range e.Violations {
		text += "\n  " + cmp.Or(names[v.Field], printable(v.Field)) + ": " + printable(v.Message)
	}
	return errors.New(text)
}

// errTooLong is what a call fails with whose answer is not read to its end.
var errTooLong = fmt.Errorf("the answer is longer than %d MiB, of which no more is read", client.MaxAnswer>>20)

// isTooLong reports whether it is that which failed. The library's code is also
// that of a connection that is worn out, and the server's of a request that is
// too long.
func isTooLong(err error) bool {
	return connect.CodeOf(err) == connect.CodeResourceExhausted && !connect.IsWireError(err) &&
		strings.Contains(err.Error(), "larger than configured max")
}
