//go:build unix

// Command withserver runs another program beside the built server, once for each
// kind of database, each time with a server fresh from its first run:
//
//	go run ./tools/withserver -dir sdk/ts -- npm test
//
// The program finds the server's URL in BASTIDE_URL, its data directory, with
// the files of the first run, in BASTIDE_DATA_DIR, and the server's own program
// as `bastide` on its path. It is told the kind of database in BASTIDE_TEST_DATABASE,
// and the URL of a PostgreSQL in BASTIDE_TEST_DSN.
// withserver ends as the program does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bastide-id/bastide/server/servertest/postgres"
)

func main() {
	databases := flag.String("databases", "sqlite,postgres", "the kinds of database, one after the other")
	config := flag.String("config", "", "the server's configuration `file`")
	dir := flag.String("dir", ".", "where the program runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, strings.Split(*databases, ","), *config, *dir, flag.Args())
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed) && failed.ExitCode() > 0:
		stop()
		os.Exit(failed.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "withserver:", err)
		stop()
		os.Exit(1)
	}
}

// built is where the server is built, from the module's directory: the next run
// finds it there and need not link what has not changed.
const built = ".task/bin/bastide"

// run builds the server and runs the command beside it, database by database. It
// returns the first error.
func run(ctx context.Context, databases []string, config, dir string, command []string) error {
	if len(command) == 0 {
		return errors.New("there is nothing to run: give a command after --")
	}
	program, err := filepath.Abs(built)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/bastide-id/bastide/cmd/bastide")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("the program cannot be built: %w", err)
	}
	for _, database := range databases {
		if err := beside(ctx, database, program, config, dir, command); err != nil {
			return fmt.Errorf("%s: %w", database, err)
		}
	}
	return nil
}

// beside runs the command beside a server on a new database.
func beside(ctx context.Context, database, program, config, dir string, command []string) (err error) {
	data, err := os.MkdirTemp("", "bastide-data-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	arguments := []string{"serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--log-level", "warn"}
	if config != "" {
		arguments = append(arguments, "--config", config)
	}
	dsn := ""
	switch database {
	case "sqlite":
	case "postgres":
		server, startErr := postgres.Start(ctx)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		if dsn, err = server.Create(ctx, "withserver"); err != nil {
			return err
		}
		arguments = append(arguments, "--database", dsn)
	default:
		return errors.New("unknown database: sqlite and postgres are known")
	}
	serve, url, err := start(program, arguments)
	if err != nil {
		return err
	}
	defer func() {
		_ = serve.Process.Signal(syscall.SIGTERM)
		if ended := serve.Wait(); ended != nil {
			err = errors.Join(err, fmt.Errorf("the server ended with %w", ended))
		}
	}()
	run := exec.CommandContext(ctx, command[0], command[1:]...)
	run.Dir, run.Stdin, run.Stdout, run.Stderr = dir, os.Stdin, os.Stdout, os.Stderr
	run.Env = append(os.Environ(),
		"BASTIDE_URL="+url,
		"BASTIDE_DATA_DIR="+data,
		"BASTIDE_TEST_DATABASE="+database,
		"BASTIDE_TEST_DSN="+dsn,
		"PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"),
	)
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) }
	return run.Run()
}

// start starts the server and returns it with its URL once it serves.
func start(program string, arguments []string) (*exec.Cmd, string, error) {
	serve := exec.Command(program, arguments...)
	serve.Stderr = os.Stderr
	// An interrupt of the terminal is for the command; the server outlives it.
	serve.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := serve.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := serve.Start(); err != nil {
		return nil, "", err
	}
	var greeting strings.Builder
	var url string
	if _, err := fmt.Fscanf(io.TeeReader(out, &greeting), "Bastide is running at %s\n", &url); err != nil {
		_ = serve.Process.Kill()
		return nil, "", errors.Join(fmt.Errorf("the server printed no address, but %q", greeting.String()), serve.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // what it prints later nobody reads
	return serve, url, nil
}
