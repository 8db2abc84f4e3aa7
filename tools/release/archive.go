package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// file is a file of an archive.
type file struct {
	// name is its path in the archive's one directory.
	name       string
	content    []byte
	executable bool
}

// writeArchive writes files below a directory into a compressed tar archive.
// Its bytes depend on the arguments alone: names are sorted, every file is of
// the time given and nobody's, and the compression notes no name and no time.
func writeArchive(archive, directory string, modified time.Time, files []file) error {
	var compressed bytes.Buffer
	zipper, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(zipper)
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b file) int { return cmp.Compare(a.name, b.name) }) {
		mode := int64(0o644)
		if f.executable {
			mode = 0o755
		}
		err := out.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: path.Join(directory, f.name), Size: int64(len(f.content)),
			Mode: mode, ModTime: modified, Format: tar.FormatUSTAR,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := out.Write(f.content); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := zipper.Close(); err != nil {
		return err
	}
	return os.WriteFile(archive, compressed.Bytes(), 0o644)
}

// checksumsFile has a line for each other file of a release, as sha256sum
// prints and checks them.
const checksumsFile = "checksums.txt"

func writeChecksums(dir string) error {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	for _, entry := range entries {
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, f)
		f.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%x  %s\n", sum.Sum(nil), entry.Name())
	}
	return os.WriteFile(filepath.Join(dir, checksumsFile), lines.Bytes(), 0o644)
}
