// Package outbound reads what others publish, at addresses that callers chose.
// Whatever they chose, it reaches public addresses only: nobody looks through
// the server at what lies beside it.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// timeout bounds one question and its answer.
	timeout = 5 * time.Second
	// maxText and maxHeader bound how many bytes of an answer are read.
	maxText   = 512
	maxHeader = 16 << 10
)

// Resolver looks names up in DNS.
type Resolver interface {
	// LookupTXT returns the texts that a name has.
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Reader reads what others publish. It is safe for concurrent use.
type Reader struct {
	resolver Resolver
	client   *http.Client
}

// New returns a reader; nil stands for the resolver of the system, and for a
// client that reaches public addresses only, follows no redirects and knows no
// proxy.
func New(resolver Resolver, client *http.Client) *Reader {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	if client == nil {
		client = newClient()
	}
	return &Reader{resolver: resolver, client: client}
}

func newClient() *http.Client {
	return &http.Client{
		// Where the answer leads, only its sender knows.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // it would dial in our place, and anything
			DialContext:            (&net.Dialer{Control: publicOnly}).DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true, // a few bytes stay a few bytes
			MaxResponseHeaderBytes: maxHeader,
		},
	}
}

// TXT returns the texts that a name has in DNS. The name is complete: no search
// domain of this host is put behind it.
func (r *Reader) TXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return r.resolver.LookupTXT(ctx, name+".")
}

// Text returns the first few hundred bytes that a URL answers with. Another
// status than 200 is an error.
func (r *Reader) Text(ctx context.Context, from string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return "", err
	}
	response, err := r.client.Do(request)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err // the URL may hold a secret, and errors are logged
		}
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("outbound: the answer is %s", response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxText))
	return string(text), err
}
