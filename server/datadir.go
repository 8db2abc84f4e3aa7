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

// directoryLock is the lock on a data directory.
type directoryLock struct{ file *os.File }

// Close gives the directory back. It does so by itself, for the file may live on
// for a moment in a process that this one is just starting.
func (l *directoryLock) Close() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}

// lockDirectory makes the directory where it is missing, readable for nobody
// else, and takes it for this process, until the lock is closed or the process
// ends.
func lockDirectory(dir string) (*directoryLock, error) {
	if err := makeDirectory(dir); err != nil {
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
	return &directoryLock{f}, nil
}

func (s *Server) file(name string) string { return filepath.Join(s.config.DataDir, name) }

// databaseURL returns what the store is to open.
func databaseURL(c Config) string {
	if c.Database != "" {
		return string(c.Database)
	}
	return filepath.Join(c.DataDir, databaseFile)
}

// checkSocket returns an error if the path of the admin socket has more bytes
// than the system takes for one (sun_path, with the zero after it).
func checkSocket(dataDir string) error {
	most := len(syscall.RawSockaddrUnix{}.Path) - 1
	if path := filepath.Join(dataDir, adminSocket); len(path) > most {
		return fmt.Errorf("--data-dir: the path of the socket in it, %s, has %d bytes, and the system takes %d: choose a shorter one", path, len(path), most)
	}
	return nil
}

// makeDirectory makes a directory and those above it, readable for nobody
// else, so that they outlast a power cut.
func makeDirectory(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := makeDirectory(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDirectory(filepath.Dir(dir))
}

// syncDirectory makes sure that the names in a directory are on disk. Some file
// systems have no such thing; there is nothing to wait for on them.
func syncDirectory(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err = f.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// writeFile writes text into a file, which is on disk when it returns, and
// closes it.
func writeFile(f *os.File, text []byte) error {
	_, err := f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
