package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The processes that the program is beside the one that measures. Their role is
// the first argument.
const (
	ceilingRole   = "ceiling"
	candidateRole = "candidate"
)

// stopTime is how long a child may take to end by itself.
const stopTime = 20 * time.Second

// child is a process of this program that serves until its standard input ends,
// which it also does when the parent dies.
type child struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	address string
}

// startChild starts this program in a role and returns when it listens. What it
// logs goes to standard error.
func startChild(ctx context.Context, role string, args ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, program, append([]string{role}, args...)...)}
	c.cmd.Stderr = os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s did not start: %w", role, err), c.stop())
	}
	c.address = strings.TrimSpace(line)
	return c, nil
}

// stop ends the child and returns when it is gone.
func (c *child) stop() error {
	late := time.AfterFunc(stopTime, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	return errors.Join(c.stdin.Close(), c.cmd.Wait())
}

// serving returns a context that ends with standard input.
func serving(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}
