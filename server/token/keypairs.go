package token

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"runtime"
	"sync"
	"time"
)

const (
	keyBits         = 2048
	defaultKeyPairs = 8
	// startPause keeps the making of keys out of the way of a start.
	startPause = time.Second
)

// keyPairs makes RSA key pairs ahead, because one takes a tenth of a second
// and more of a processor.
type keyPairs struct {
	ready chan *rsa.PrivateKey
	// making bounds the pairs that callers make themselves, so that many at
	// once do not starve everything else.
	making chan struct{}
	// long bounds the pairs of more bits, which nobody has a use for ahead and
	// which take a second and more: one is made at a time.
	long   chan struct{}
	stop   context.CancelFunc
	done   sync.WaitGroup
	closed context.Context
}

func newKeyPairs(number int) *keyPairs {
	switch {
	case number == 0:
		number = defaultKeyPairs
	case number < 0:
		number = 0
	}
	p := &keyPairs{
		ready:  make(chan *rsa.PrivateKey, number),
		making: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		long:   make(chan struct{}, 1),
	}
	p.closed, p.stop = context.WithCancel(context.Background())
	return p
}

func (p *keyPairs) start() {
	if cap(p.ready) == 0 {
		return
	}
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		p.fill(startPause)
	}()
}

func (p *keyPairs) close() {
	p.stop()
	p.done.Wait()
}

// fill makes one pair after the other and waits while all are ready. After
// each it rests for as long as that one took: at most half a processor is
// taken from the calls.
func (p *keyPairs) fill(rest time.Duration) {
	for {
		select {
		case <-p.closed.Done():
			return
		case <-time.After(rest):
		}
		began := time.Now()
		pair, err := generate()
		if err != nil {
			return // does not happen; take makes them then, and reports it
		}
		rest = time.Since(began)
		select {
		case <-p.closed.Done():
			return
		case p.ready <- pair:
		}
	}
}

// take returns a pair that nobody else has: one that is ready, else a new one.
// It returns the error of ctx if that ends before its turn to make one comes.
func (p *keyPairs) take(ctx context.Context) (*rsa.PrivateKey, error) {
	select {
	case pair := <-p.ready:
		return pair, nil
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case pair := <-p.ready:
		return pair, nil
	case p.making <- struct{}{}:
		defer func() { <-p.making }()
		return generate()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func generate() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keyBits) }

// takeLong returns a new pair of more bits. It returns the error of ctx if that
// ends before: a pair that is being made then keeps its turn until it is there.
func (p *keyPairs) takeLong(ctx context.Context, bits int) (*rsa.PrivateKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.long <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var pair *rsa.PrivateKey
	var err error
	done := make(chan struct{})
	go func() {
		defer func() { <-p.long }()
		defer close(done)
		pair, err = rsa.GenerateKey(rand.Reader, bits)
	}()
	select {
	case <-done:
		return pair, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
