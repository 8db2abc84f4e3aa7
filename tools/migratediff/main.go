// Command migratediff writes the migrations that the ent schema asks for, one
// for each kind of database. It applies those that exist to a new database of
// each kind and compares the outcome with the schema. Where nothing is missing
// it writes nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"
)

// word is what a migration may be called.
var word = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func main() {
	log.SetFlags(0)
	name := flag.String("name", "", "what the migration is about, as a word for its file's name")
	dir := flag.String("dir", "ent/migrations", "directory with the migrations of each kind of database")
	check := flag.Bool("check", false, "write nothing, and fail when a migration is missing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *name, *check); err != nil {
		log.Fatal(err)
	}
}

// run writes what is missing below dir, or only fails when something is.
func run(ctx context.Context, dir, name string, check bool) error {
	if !check && !word.MatchString(name) {
		return errors.New("migratediff: a migration needs a name in lower case: -name add_something")
	}
	// One version for all, so that it says the same of every database.
	name = time.Now().UTC().Format("20060102150405") + "_" + name
	for _, database := range []database{sqliteDatabase{}, postgresDatabase{}} {
		target := filepath.Join(dir, database.name())
		files, err := pending(ctx, database, os.DirFS(target), name)
		if err != nil {
			return fmt.Errorf("migratediff: %s: %w", database.name(), err)
		}
		for _, file := range files {
			if check {
				return fmt.Errorf("migratediff: the ent schema asks for a migration of %s "+
					"(go tool -modfile=tools/task/go.mod task migrate:diff NAME=…):\n%s", database.name(), file.Bytes())
			}
			path := filepath.Join(target, file.Name())
			if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
				return fmt.Errorf("migratediff: %w", err)
			}
			fmt.Println(path)
		}
	}
	return nil
}
