package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// program is what the built program costs before it does anything.
type program struct {
	// stripped is the size of the program without symbols, whole with them.
	stripped, whole int64
	// ready is how long starts on an empty directory took until the server said
	// that it is ready.
	ready latencies
	// resident is the memory of an idle server, highest its peak until then.
	resident, highest int64
}

const starts = 5

// measureProgram builds the program and starts it a few times.
func measureProgram(ctx context.Context, dir string) (p program, err error) {
	path := filepath.Join(dir, "bastide")
	if p.whole, err = build(ctx, path+"-whole"); err != nil {
		return p, err
	}
	if p.stripped, err = build(ctx, path, "-ldflags", "-s -w"); err != nil {
		return p, err
	}
	for i := range starts {
		last := i == starts-1
		if err := p.start(ctx, path, filepath.Join(dir, fmt.Sprintf("start%d", i)), last); err != nil {
			return p, err
		}
	}
	return p, nil
}

// build builds the program and returns its size.
func build(ctx context.Context, path string, flags ...string) (int64, error) {
	args := append([]string{"build", "-trimpath", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/bastide-id/bastide/cmd/bastide")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// start starts the program on an empty directory, waits until it is ready, and
// ends it. The memory is read once the server idles, if wanted.
func (p *program) start(ctx context.Context, path, dataDir string, memory bool) (err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "serve", "--listen", address, "--data-dir", dataDir)
	// What it says on a good start is of no interest.
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end(cmd)) }()
	if err := becomeReady(ctx, "http://"+address+"/debug/ready"); err != nil {
		return err
	}
	p.ready = append(p.ready, time.Since(began))
	if !memory || !measurable {
		return nil
	}
	if err := (target{process: ofProcess(cmd.Process.Pid)}).settle(ctx); err != nil {
		return err
	}
	p.resident, p.highest, err = memoryOf(cmd.Process.Pid)
	return err
}

func end(cmd *exec.Cmd) error {
	late := time.AfterFunc(stopTime, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	return errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait())
}

// freeAddress returns an address nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port)), l.Close()
}

// becomeReady asks every millisecond until the answer is 200.
func becomeReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, spare)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			if err := answer.Body.Close(); err != nil || answer.StatusCode == http.StatusOK {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer 200: %w", url, errors.Join(err, ctx.Err()))
		case <-tick.C:
		}
	}
}
