package server

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/bastide-id/bastide/server/id"
)

// masterKeyFiles are the file of the master key and, beside it, those of the
// keys before and after it. None is ever written over: what one of them holds
// may be all that opens a database.
type masterKeyFiles struct {
	path   string
	config Config
	log    *slog.Logger
}

// masterKeyFiles returns the files as they are named now: where the path is a
// link, it may have come to point elsewhere.
func (s *Server) masterKeyFiles() masterKeyFiles {
	path := s.masterKeyPath()
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if whole, err := filepath.Abs(path); err == nil { // for who reads it elsewhere
		path = whole
	}
	return masterKeyFiles{path: path, config: s.config, log: s.log}
}

// next is the file of a key that is to take the place of the present one.
func (f masterKeyFiles) next() string { return f.path + ".new" }

// former is the file that a key is kept in after its time.
func (f masterKeyFiles) former(fingerprint []byte) string {
	return f.path + "." + keyName(fingerprint) + ".old"
}

// keyName is how a master key is called where people read it.
func keyName(fingerprint []byte) string { return fmt.Sprintf("%x", fingerprint[:4]) }

// read returns the key in a file.
func (f masterKeyFiles) read(path string) (key id.MasterKey, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("--master-key-file: %w", err)
	}
	if key, err = id.ParseMasterKey(string(text)); err != nil {
		return key, fmt.Errorf("--master-key-file: %s: %w", path, err)
	}
	return key, nil
}

// has returns the key in a file if it has the fingerprint.
func (f masterKeyFiles) has(path string, fingerprint []byte) (key id.MasterKey, ok bool) {
	key, err := f.read(path)
	return key, err == nil && bytes.Equal(key.Fingerprint(), fingerprint)
}

// find returns the key with the fingerprint from its file, or from the one that
// is to take its place. It changes nothing.
func (f masterKeyFiles) find(fingerprint []byte) (id.MasterKey, error) {
	// The last one is the first again: meanwhile it may have been replaced.
	for _, path := range []string{f.path, f.next(), f.path} {
		if key, ok := f.has(path, fingerprint); ok {
			return key, nil
		}
	}
	return id.MasterKey{}, f.missing(fingerprint)
}

// missing says why no file has the key with the fingerprint, and what to do.
func (f masterKeyFiles) missing(fingerprint []byte) error {
	if _, ok := f.has(f.former(fingerprint), fingerprint); ok {
		return fmt.Errorf("the master key in %s is not that of the database, which is of an earlier time: its key is kept in %s, name that file with --master-key-file", f.path, f.former(fingerprint))
	}
	_, err := f.read(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the database belongs to an installation whose master key is not in %s: copy the file there, or name it with --master-key-file", f.path)
	case err != nil:
		return err
	}
	return fmt.Errorf("the master key in %s is not that of the database, whose fingerprint begins with %s: replace the file by the right one, or name that with --master-key-file", f.path, keyName(fingerprint))
}

// settled returns the key with the fingerprint if it is in its place, and no
// other one is to take that.
func (f masterKeyFiles) settled(fingerprint []byte) (key id.MasterKey, ok bool) {
	if _, err := os.Lstat(f.next()); !errors.Is(err, fs.ErrNotExist) {
		return key, false
	}
	return f.has(f.path, fingerprint)
}

// settle brings to its end what an interrupted rotation began, by what the
// database goes by, and returns that key. The key that the database has is put
// in its place, and one that it never had is put aside. Nobody rotates
// meanwhile.
func (f masterKeyFiles) settle(fingerprint []byte) (key id.MasterKey, err error) {
	if key, ok := f.has(f.path, fingerprint); ok {
		f.putAside()
		return key, nil
	}
	key, ok := f.has(f.next(), fingerprint)
	if !ok {
		return key, f.missing(fingerprint)
	}
	if former, err := f.read(f.path); err == nil {
		if err := f.keep(former, new([]string)); err != nil {
			return key, err
		}
	}
	f.log.Info("a rotation of the master key was interrupted after the database had changed, and is brought to its end", "file", f.path, "masterKey", keyName(fingerprint))
	if err := f.replace(); err != nil {
		f.log.Warn("the master key could not be moved to its place; it is needed where it is", "file", f.next(), "place", f.path, "error", err)
	}
	return key, nil
}

// putAside keeps a key that was to be the next one, and that the database never
// had: another database might have it.
func (f masterKeyFiles) putAside() {
	unused, err := f.read(f.next())
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		f.log.Warn("there is a file in the place of the next master key, which cannot be read; it has to go before the key is rotated", "error", err)
		return
	}
	to := f.former(unused.Fingerprint())
	f.log.Warn("a rotation of the master key was interrupted before the database changed; the key is put aside, and can go if no other database was used with this file", "file", to)
	err = os.Link(f.next(), to)
	if err == nil || errors.Is(err, fs.ErrExist) && f.same(f.next(), to) {
		err = errors.Join(os.Remove(f.next()), syncDirectory(filepath.Dir(f.path)))
	}
	if err != nil {
		f.log.Warn("the key could not be put aside; it has to go before the key is rotated", "error", err)
	}
}

// prepare keeps the present key under a second name and writes the next one, so
// that both are on disk. It returns the files that it made. With an error it has
// made none.
func (f masterKeyFiles) prepare(present, next id.MasterKey) (made []string, err error) {
	err = f.keep(present, &made)
	if err == nil {
		err = f.put(next, &made)
	}
	if err != nil {
		return nil, errors.Join(err, f.takeBack(made))
	}
	return made, nil
}

// keep gives the present key a second name, by which it stays when another
// takes its place. Where the file cannot be replaced, such as one that a
// container has mounted, it cannot have a second name either.
func (f masterKeyFiles) keep(present id.MasterKey, made *[]string) error {
	to := f.former(present.Fingerprint())
	err := os.Link(f.path, to)
	switch {
	case errors.Is(err, fs.ErrExist) && !f.same(f.path, to):
		return fmt.Errorf("%s, where the present key is to be kept, is another file: move it away", to)
	case err == nil:
		*made = append(*made, to)
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	return errors.Join(syncDirectory(filepath.Dir(f.path)), f.config.rotated(stepFormerKept))
}

// same reports whether two files have the same key.
func (f masterKeyFiles) same(one, two string) bool {
	key, err := f.read(one)
	_, ok := f.has(two, key.Fingerprint())
	return err == nil && ok
}

// put writes the key that is to take the place of the present one.
func (f masterKeyFiles) put(key id.MasterKey, made *[]string) (err error) {
	dir := filepath.Dir(f.path)
	file, err := os.CreateTemp(dir, "."+filepath.Base(f.next())+"-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	if err := errors.Join(writeFile(file, []byte(key.Text())), f.config.rotated(stepNextWritten)); err != nil {
		return err
	}
	// Unlike a rename, a link never takes the place of another key.
	if err := os.Link(file.Name(), f.next()); err != nil {
		return err
	}
	*made = append(*made, f.next())
	return errors.Join(syncDirectory(dir), f.config.rotated(stepNextPlaced))
}

// takeBack removes what prepare made.
func (f masterKeyFiles) takeBack(made []string) error {
	var errs []error
	for _, file := range made {
		errs = append(errs, os.Remove(file))
	}
	return errors.Join(append(errs, syncDirectory(filepath.Dir(f.path)))...)
}

// replace puts the next key in the place of the present one.
func (f masterKeyFiles) replace() error {
	if err := os.Rename(f.next(), f.path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(f.path))
}
