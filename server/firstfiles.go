package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/bastide-id/bastide/server/id"
)

// firstRunPrefix begins the name of the directory that the secrets of a first
// run are in until the database has committed.
const firstRunPrefix = "first-run-"

// settledFiles are the secrets of a first run that can be made once only.
var settledFiles = []string{SystemKeyFile, OwnerTokenFile, OwnerKeyFile}

// firstRunStep is a moment of the first run. Tests end the process there.
type firstRunStep string

const (
	stepKeyWritten firstRunStep = "the master key is written, not in its place"
	stepKeyPlaced  firstRunStep = "the master key is in its place"
	stepMade       firstRunStep = "the directory of the secrets is made"
	stepCommitting firstRunStep = "the database is about to commit"
	stepCommitted  firstRunStep = "the database has committed"
	stepSettled    firstRunStep = "the secrets are in their places, the directory is there"
)

func stepWritten(name string) firstRunStep { return firstRunStep(name + " is written") }
func stepMoved(name string) firstRunStep   { return firstRunStep(name + " is in its place") }

// passed tells a test that the first run has come to a step.
func (c Config) passed(step firstRunStep) error {
	if c.firstRunStep == nil {
		return nil
	}
	return c.firstRunStep(step)
}

// refuseAnother returns an error if the data directory has the secrets of an
// installation. The database is not its, for that has none.
func (s *Server) refuseAnother() error {
	for _, name := range settledFiles {
		if _, err := os.Lstat(s.file(name)); err == nil {
			return fmt.Errorf("the data directory has the %s of another installation, and the database has none: name another directory with --data-dir, or the database of that installation with --database", name)
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("--data-dir: %w", err)
		}
	}
	return nil
}

// firstMasterKey returns the key of the file, or a new one in it. The new one
// stays when the first run fails: the next one takes it.
func (s *Server) firstMasterKey() (key id.MasterKey, err error) {
	path := s.masterKeyPath()
	if _, err := os.Stat(path); err == nil {
		return s.masterKeyFiles().read(path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return key, fmt.Errorf("--master-key-file: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	key = id.NewMasterKey()
	if err := writeFile(f, []byte(key.Text())); err != nil {
		return key, fmt.Errorf("--master-key-file: %w", err)
	}
	if err := s.config.passed(stepKeyWritten); err != nil {
		return key, err
	}
	// Unlike a rename, a link never takes the place of a key that another
	// process made meanwhile.
	if err := os.Link(f.Name(), path); err != nil {
		return key, fmt.Errorf("--master-key-file: %w", err)
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return key, fmt.Errorf("--master-key-file: %w", err)
	}
	return key, s.config.passed(stepKeyPlaced)
}

// firstFiles are the secrets of the first run of one system user's public key,
// before they are in their places.
type firstFiles struct {
	config Config
	dir    string
	log    *slog.Logger
}

func (s *Server) firstFiles(publicKey []byte) firstFiles {
	sum := sha256.Sum256(publicKey)
	return firstFiles{config: s.config, dir: s.file(fmt.Sprintf("%s%x", firstRunPrefix, sum[:8])), log: s.log}
}

// make makes the directory. It tells the log of those that other first runs
// left; none of them is removed, for one may hold all that there is of the
// secrets of another database.
func (f firstFiles) make() error {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(f.dir), firstRunPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		f.log.Warn("a first run was interrupted and has left its secrets; they can go if no other database was used with this data directory", "directory", dir)
	}
	if err := makeDirectory(f.dir); err != nil {
		return err
	}
	return f.config.passed(stepMade)
}

// write puts text into a file of mode 0600 and makes sure that it is on disk.
// It may be called again, because a transaction may run again.
func (f firstFiles) write(name string, text []byte) error {
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(writeFile(file, text), syncDirectory(f.dir)); err != nil {
		return err
	}
	return f.config.passed(stepWritten(name))
}

// settle moves the files to their places and removes the directory. It reports
// whether there was one. A file whose place is taken stays where it is, and so
// does the directory.
func (f firstFiles) settle() (found bool, err error) {
	if _, err := os.Lstat(f.dir); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	parent, stays := filepath.Dir(f.dir), false
	for _, name := range settledFiles {
		from, to := filepath.Join(f.dir, name), filepath.Join(parent, name)
		if _, err := os.Lstat(from); errors.Is(err, os.ErrNotExist) {
			continue // it was moved before
		}
		if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
			f.log.Warn("a secret of this installation stays where it is: its place is taken by another", "file", from, "place", to)
			stays = true
			continue
		}
		if err := os.Rename(from, to); err != nil {
			return true, err
		}
		if err := f.config.passed(stepMoved(name)); err != nil {
			return true, err
		}
	}
	if err := errors.Join(syncDirectory(parent), f.config.passed(stepSettled)); err != nil || stays {
		return !stays, err
	}
	return true, os.Remove(f.dir)
}

// remove takes back what make and write made.
func (f firstFiles) remove() error { return os.RemoveAll(f.dir) }
