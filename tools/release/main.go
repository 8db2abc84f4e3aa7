// Command release makes what is published of a version, into a directory of its
// own: for each platform the program in an archive and its bill of materials,
// the npm package with its own, and the checksums of all of them. The same
// commit, version and toolchain make the same bytes, wherever and whenever.
//
//	go run ./tools/release -npm .task/bastide-id-client.tgz
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	o := options{}
	flag.StringVar(&o.version, "version", "", "version, such as v1.2.3; without it the tag of the commit")
	flag.StringVar(&o.out, "out", "dist", "directory to make; it must not be there, or be of a former release")
	flag.StringVar(&o.npm, "npm", "", "npm package as npm pack made it, of sdk/ts; without it none is released")
	flag.BoolVar(&o.dirty, "dirty", false, "release what is not committed, too; the program says so")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if flag.NArg() > 0 {
		log.Fatalf("release: %q is no flag", flag.Arg(0))
	}
	if err := run(ctx, o); err != nil {
		log.Fatalf("release: %v", err)
	}
}

// options is what the caller decides.
type options struct {
	version, out, npm string
	dirty             bool
}

// run makes the release in the working directory, which is the root of the
// repository.
func run(ctx context.Context, o options) error {
	s, err := readSource(ctx, o.version, o.dirty)
	if err != nil {
		return err
	}
	if err := emptyDirectory(o.out); err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	for _, p := range platforms {
		if err := buildProgram(ctx, s, p, o.out); err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
	}
	if o.npm != "" {
		if err := releasePackage(ctx, s, o.npm, "sdk/ts", o.out); err != nil {
			return fmt.Errorf("-npm: %w", err)
		}
	}
	if err := writeChecksums(o.out); err != nil {
		return err
	}
	fmt.Printf("%s of commit %s is in %s\n", s.version, s.commit, o.out)
	return nil
}

// documents go into each archive beside the program.
var documents = []string{"LICENSE", "README.md", "CHANGELOG.md", "deploy/bastide.service", "deploy/master-key.conf"}

// buildProgram builds the program of a platform and releases it.
func buildProgram(ctx context.Context, s source, p platform, out string) error {
	dir, err := os.MkdirTemp("", "bastide-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "bastide")
	if err := build(ctx, s, p, program); err != nil {
		return err
	}
	return releaseProgram(ctx, s, p, program, out)
}

// releaseProgram makes the archive of a platform and its bill of materials.
func releaseProgram(ctx context.Context, s source, p platform, program, out string) error {
	modules, err := linkedModules(ctx, p, program)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	files := []file{
		{name: "bastide", content: content, executable: true},
		{name: "THIRD_PARTY_LICENSES.txt", content: notices(modules)},
	}
	for _, document := range documents {
		if content, err = os.ReadFile(document); err != nil {
			return err
		}
		files = append(files, file{name: filepath.Base(document), content: content})
	}
	name := fmt.Sprintf("bastide_%s_%s_%s", s.number(), p.os, p.arch)
	if err := writeArchive(filepath.Join(out, name+".tar.gz"), name, s.time, files); err != nil {
		return err
	}
	return writeBOM(filepath.Join(out, name+".cdx.json"), programBOM(s, p, files[0].content, modules))
}

// emptyDirectory makes a directory, or empties the one of a former release. It
// touches no directory that could be something else.
func emptyDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); entry.IsDir() || name != checksumsFile && !strings.HasPrefix(name, "bastide") {
			return fmt.Errorf("%s has something that is not of a release: %s", dir, name)
		}
	}
	for _, entry := range entries {
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// output runs a program in a directory and returns what it prints. An error has
// what it says of its failure.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = dir, append(os.Environ(), env...)
	text, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return text, err
}
