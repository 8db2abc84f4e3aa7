package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// savedFile is a file for a secret that is not there yet. It is made first, so
// that a secret is not asked for that cannot be kept.
type savedFile struct {
	flag string
	file *os.File
}

// reserve makes the file of a flag, which only the owner can read. It returns
// nil for no path, and an error that names the flag if there is a file already.
func reserve(flag, path string) (*savedFile, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s: there is a file %s already: name another, or move it away", flag, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return &savedFile{flag, file}, nil
}

// keep writes the secret and closes the file, if there is one. It returns an
// error that names the flag, and leaves no file, if it cannot.
func (s *savedFile) keep(secret []byte) error {
	if s == nil {
		return nil
	}
	_, err := s.file.Write(secret)
	if err == nil {
		err = s.file.Sync()
	}
	if err = errors.Join(err, s.file.Close()); err != nil {
		_ = os.Remove(s.file.Name())
		return fmt.Errorf("%s: %w", s.flag, err)
	}
	return nil
}

// discard removes the file; there is no secret for it.
func (s *savedFile) discard() {
	if s == nil {
		return
	}
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// missing removes the file, if there is one, and returns the error that the
// server gave no secret of the kind.
func (s *savedFile) missing(kind string) error {
	s.discard()
	err := fmt.Errorf("the server gave no %s", kind)
	if s != nil {
		err = fmt.Errorf("%s: %w", s.flag, err)
	}
	return err
}
