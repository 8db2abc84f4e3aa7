package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// The files of a data directory.
const (
	databaseFile  = "bastide.db"
	lockFile      = "lock"
	masterKeyFile = "master.key"
	adminSocket   = "admin.sock"

	// SystemKeyFile has the private key of the first system user, PKCS #8.
	SystemKeyFile = "system.key.pem"
	// OwnerTokenFile has the token of the first instance's owner.
	OwnerTokenFile = "owner.pat"
	// OwnerKeyFile has the key of the first instance's owner.
	OwnerKeyFile = "owner.key.json"
)

// ErrLocked says that another process uses the data directory.
var ErrLocked = errors.New("another bastide process uses the data directory")

// lockDirectory makes the directory where it is missing, readable for nobody
// else, and takes it for this process. The lock ends with the file.
func lockDirectory(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w %s: stop it, or choose another with --data-dir", ErrLocked, dir)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// databaseURL returns what the store is to open.
func databaseURL(c Config) string {
	if c.Database != "" {
		return string(c.Database)
	}
	return filepath.Join(c.DataDir, databaseFile)
}

// secretFiles writes secrets that only the owner of the process can read, and
// takes them back unless they are kept.
type secretFiles struct {
	written []string
	kept    bool
}

// write puts text into a file of mode 0600 and makes sure that it is on disk.
func (s *secretFiles) write(path string, text []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // a file of an old run might be readable for others
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s.written = append(s.written, path)
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func (s *secretFiles) close() error {
	if s.kept {
		return nil
	}
	var errs []error
	for _, path := range s.written {
		if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) { // written twice
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
