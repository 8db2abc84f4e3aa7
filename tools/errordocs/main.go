// Command errordocs writes docs/errors.md: everything that can go wrong, from
// its definitions.
//
//	go run ./tools/errordocs > docs/errors.md
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/wire"
)

const introduction = `# Errors

Every error has an id, which stays for ever; its sentence may change. Over
Connect, gRPC and gRPC-Web the id is in the detail ` + "`zitadel.v1.ErrorDetail`" + `, over
REST in ` + "`details[].id`" + ` of the body. The code alone tells what most clients need to
know; over REST it decides the HTTP status. A sentence about a field of the request
begins with the field's path, and the detail ` + "`buf.validate.Violations`" + ` has one
entry for each. Where the sentences below have …, the answer has a value.

An error of id ` + "`internal`" + ` (Internal, 500) is a fault of the server: what caused it
is in the log, and in no answer.

This page is made from ` + "`server/fault/ids.go` by `go run ./tools/errordocs > docs/errors.md`" + `.

| Id | Code | HTTP | Sentence |
| --- | --- | --- | --- |
`

func main() {
	log.SetFlags(0)
	out := bufio.NewWriter(os.Stdout)
	write(out)
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// write prints the page. Errors of out are the caller's to ask for.
func write(out io.Writer) {
	fmt.Fprint(out, introduction)
	for _, d := range fault.Definitions() {
		fmt.Fprintf(out, "| `%s` | %s | %d | %s |\n", d.ID(), d.Kind(), wire.HTTPStatus(d.With()), sentence(d.Format()))
	}
}

// placeholders show where the parameters go.
var placeholders = strings.NewReplacer("%s", "…", "%q", "“…”", "%d", "…", "%v", "…", "%%", "%", "|", `\|`, "<", "&lt;")

func sentence(format string) string { return placeholders.Replace(format) }
