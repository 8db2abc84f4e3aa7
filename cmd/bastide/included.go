package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"connectrpc.com/connect"
)

// noting sends requests, and notes the answer to the last one to a path, none
// while that is empty: the same client also fetches the token of a key, and
// repeats calls.
type noting struct {
	*http.Client
	path   string
	answer *http.Response
}

var _ connect.HTTPClient = (*noting)(nil)

// Do sends the request. It returns what the client does.
func (n *noting) Do(r *http.Request) (*http.Response, error) {
	answer, err := n.Client.Do(r)
	if r.URL.Path == n.path {
		n.answer = answer
	}
	return answer, err
}

// print prints the status and the headers of the answer that was noted, if there
// is one, and an empty line. What gRPC sends after the body is among them.
func (n *noting) print(out io.Writer) {
	if n == nil || n.answer == nil {
		return
	}
	_, _ = fmt.Fprintf(out, "%s %s\n", n.answer.Proto, printable(n.answer.Status))
	for _, header := range []http.Header{n.answer.Header, n.answer.Trailer} {
		for _, name := range slices.Sorted(maps.Keys(header)) {
			for _, value := range header[name] {
				_, _ = fmt.Fprintf(out, "%s: %s\n", printable(name), printable(value))
			}
		}
	}
	_, _ = fmt.Fprintln(out)
	n.answer = nil
}
