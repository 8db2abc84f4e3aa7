//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// superuser is the role that owns a server of our own.
const superuser = "postgres"

// reap waits for the end of its input, which comes when the process that holds
// the other end closes it or dies, and leaves nothing of the server behind.
const reap = `cat; "$1" -D "$2/data" -m immediate -w stop; rm -rf "$2"`

// startReaper starts the process that ends the server after this one.
func (s *Server) startReaper() error {
	cmd := exec.Command("/bin/sh", "-c", reap, "sh", s.pgctl, s.dir)
	if err := s.prepare(cmd); err != nil {
		return err
	}
	// Of a group of its own, so that an interrupt from the terminal, which
	// ends the tests, leaves it the time to clean.
	cmd.SysProcAttr.Setpgid = true
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.reaper, s.reaperPipe = cmd, pipe
	return nil
}

// reachable returns a directory with the programs of bin that the user whom the
// server runs as may enter: bin, or a copy of it with all that belongs to it
// where it lies in a home that others cannot enter.
func (s *Server) reachable(ctx context.Context, bin string) (string, error) {
	err := s.run(ctx, filepath.Join(bin, "initdb"), "--version")
	if !errors.Is(err, fs.ErrPermission) {
		return bin, err
	}
	software := filepath.Join(s.dir, "software")
	if err := os.CopyFS(software, os.DirFS(filepath.Dir(bin))); err != nil {
		return "", fmt.Errorf("postgres: %w", err)
	}
	if err := giveAway(software); err != nil {
		return "", fmt.Errorf("postgres: %w", err)
	}
	return filepath.Join(software, filepath.Base(bin)), nil
}

// run runs a program of PostgreSQL; an error has what it printed.
func (s *Server) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	if err := s.prepare(cmd); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("postgres: %s: %w\n%s", name, err, out)
	}
	return nil
}

// prepare lets cmd run in the server's directory, as the user whom the server
// runs as, and free of PG… variables that would mislead it.
func (s *Server) prepare(cmd *exec.Cmd) error {
	credential, err := credential()
	if err != nil {
		return err
	}
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	return nil
}

// giveAway makes the user whom the server runs as the owner of dir and of all
// that is in it.
func giveAway(dir string) error {
	c, err := credential()
	if err != nil || c == nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(c.Uid), int(c.Gid))
	})
}

// credential returns the user whom the server runs as: nil, which is ourselves,
// unless we are root, as whom PostgreSQL refuses to run.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: does not run as root, and there is neither a user postgres nor nobody: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("postgres: uid of %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("postgres: gid of %s: %w", u.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
