package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/bastide-id/bastide/server"
)

// file is what the file of --config says.
type file struct {
	path string
	// values has the settings by the name of their flag, as the flag would
	// take them.
	values      map[string]string
	systemUsers []server.SystemUser
}

// systemUsersKey is the one key of the file that is no flag.
const systemUsersKey = "systemUsers"

// readFile reads a file of settings. Its errors have the path, and the line
// where there is one; an unknown or repeated key is an error.
func readFile(path string, flags map[string]*kong.Flag) (*file, error) {
	content, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	defer func() { _ = content.Close() }()
	f := &file{path: path, values: map[string]string{}}
	if err := f.read(content, flags); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *file) read(content io.Reader, flags map[string]*kong.Flag) error {
	var document, more yaml.Node
	decoder := yaml.NewDecoder(content)
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one YAML document")
	}
	if isNull(document.Content[0]) {
		return nil
	}
	names := map[string]string{}
	known := []string{systemUsersKey}
	for name := range flags {
		if name != "config" {
			names[fileKey(name)] = name
			known = append(known, fileKey(name))
		}
	}
	entries, err := mapping(document.Content[0], known...)
	if err != nil {
		return err
	}
	for key, node := range entries {
		if key == systemUsersKey {
			continue
		}
		if f.values[names[key]], err = setting(node); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if isPath(flags[names[key]]) {
			f.values[names[key]] = fromFile(f.path, f.values[names[key]])
		}
	}
	f.systemUsers, err = systemUsers(entries[systemUsersKey], f.path)
	return err
}

// isPath reports whether the value of a flag is a file or directory; its help
// says so.
func isPath(flag *kong.Flag) bool { return flag.PlaceHolder == "FILE" || flag.PlaceHolder == "DIR" }

// fromFile returns a path that a file of settings has, as seen from the working
// directory.
func fromFile(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// mapping returns the values of a YAML mapping that may have the known keys,
// each once.
func mapping(node *yaml.Node, known ...string) (map[string]*yaml.Node, error) {
	node = resolve(node)
	if node.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: must be keys with values", node.Line)
	}
	entries := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if err := checkKey(key, known); err != nil {
			return nil, err
		}
		if entries[key.Value] != nil {
			return nil, fmt.Errorf("line %d: the key %s is there twice", key.Line, key.Value)
		}
		entries[key.Value] = resolve(node.Content[i+1])
	}
	return entries, nil
}

func checkKey(key *yaml.Node, known []string) error {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s)) }
	for _, k := range known {
		if k == key.Value {
			return nil
		}
	}
	for _, k := range known {
		if plain(k) == plain(key.Value) {
			return fmt.Errorf("line %d: unknown key %q: it is written %s", key.Line, key.Value, k)
		}
	}
	return fmt.Errorf("line %d: unknown key %q", key.Line, key.Value)
}

// sequence returns the items of a YAML list; a missing one is empty.
func sequence(node *yaml.Node) ([]*yaml.Node, error) {
	if node == nil || isNull(node) {
		return nil, nil
	}
	if node.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: must be a list", node.Line)
	}
	return node.Content, nil
}

// setting returns a value as a flag takes it: a list with commas.
func setting(node *yaml.Node) (string, error) {
	if node.Kind != yaml.SequenceNode {
		return text(node)
	}
	items := make([]string, len(node.Content))
	for i, item := range node.Content {
		var err error
		if items[i], err = text(item); err != nil {
			return "", err
		}
	}
	return strings.Join(items, ","), nil
}

// text returns a single value as it is written; a missing one is empty.
func text(node *yaml.Node) (string, error) {
	if node == nil {
		return "", nil
	}
	node = resolve(node)
	if node.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("line %d: must be a single value", node.Line)
	}
	if isNull(node) {
		return "", nil
	}
	return node.Value, nil
}

func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }
