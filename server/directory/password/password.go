// Package password hashes passwords and checks what they must be like.
package password

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zitadel/passwap/argon2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
)

// parameters are those that the OWASP Password Storage Cheat Sheet gives.
var parameters = argon2.Params{Memory: 19456, Time: 2, Threads: 1, SaltLen: 16, KeyLen: 32} // memory in KiB

// waiting bounds how many callers may wait for each worker.
const waiting = 16

// Hasher hashes with a bounded number of workers, so that passwords cannot
// starve everything else. It is safe for concurrent use.
type Hasher struct {
	queue   *semaphore.Weighted
	workers *semaphore.Weighted
}

// NewHasher returns a hasher with so many workers; 0 means half of the
// processors, at least one.
func NewHasher(workers int) *Hasher {
	if workers == 0 {
		workers = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Hasher{
		queue:   semaphore.NewWeighted(int64(workers * (1 + waiting))),
		workers: semaphore.NewWeighted(int64(workers)),
	}
}

// Hash returns the Argon2id hash of a password in PHC string format. It
// returns fault.PasswordBusy when too many wait, or the error of ctx.
func (h *Hasher) Hash(ctx context.Context, password string) (hash string, err error) {
	var failed error
	err = h.work(ctx, func() { hash, failed = argon2.NewArgon2id(parameters, nil).Hash(norm.NFC.String(password)) })
	if err == nil {
		err = failed
	}
	return hash, err
}

// Verify reports whether a hash, of Hash or one that CheckHash accepts, is that
// of the password, and if so whether it is outdated: Hash would make another
// kind of hash now. It returns fault.PasswordBusy when too many wait, or the
// error of ctx.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (right, outdated bool, err error) {
	try, err := trier(hash)
	if err != nil {
		return false, false, fmt.Errorf("a stored password: %w", err)
	}
	var current bool
	err = h.work(ctx, func() {
		composed := norm.NFC.String(password)
		right, current = try(composed)
		if !right && composed != password { // others hash what was typed
			right, _ = try(password)
		}
	})
	return right, right && !current, err
}

// work runs f when a worker is free. It returns fault.PasswordBusy when too
// many wait, or the error of ctx.
func (h *Hasher) work(ctx context.Context, f func()) error {
	if !h.queue.TryAcquire(1) {
		return fault.PasswordBusy.With()
	}
	defer h.queue.Release(1)
	if err := h.workers.Acquire(ctx, 1); err != nil {
		return err
	}
	defer h.workers.Release(1)
	f()
	return nil
}

// Check returns fault.Invalid, for the request field at path, that says what
// the password lacks.
func Check(path, password string, rules policy.PasswordComplexityValues) error {
	var lacks []string
	if uint64(utf8.RuneCountInString(password)) < rules.MinLength {
		lacks = append(lacks, fmt.Sprintf("at least %d characters", rules.MinLength))
	}
	for _, rule := range []struct {
		on   bool
		is   func(rune) bool
		name string
	}{
		{rules.HasUppercase, unicode.IsUpper, "an upper case letter"},
		{rules.HasLowercase, unicode.IsLower, "a lower case letter"},
		{rules.HasNumber, unicode.IsDigit, "a digit"},
		{rules.HasSymbol, isSymbol, "a symbol"},
	} {
		if rule.on && !strings.ContainsFunc(password, rule.is) {
			lacks = append(lacks, rule.name)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fault.PasswordPolicy.Field(path, strings.Join(lacks, ", "))
}

// isSymbol reports whether c is neither a letter nor a digit.
func isSymbol(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }
