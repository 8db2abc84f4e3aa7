// Command protodeps writes the third-party .proto files that proto/ imports,
// printed from the descriptors compiled into the Go packages pinned in go.mod.
// It needs no network and no schema registry; its output is never committed.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	_ "google.golang.org/genproto/googleapis/api/annotations"
)

func main() {
	out := flag.String("o", ".protodeps", "directory to write")
	flag.Parse()
	printer := &protoprint.Printer{Compact: true}
	for _, path := range []string{
		"buf/validate/validate.proto",
		"google/api/annotations.proto",
		"google/api/http.proto",
	} {
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			log.Fatalf("%s: %v", path, err)
		}
		text, err := printer.PrintProtoToString(file)
		if err != nil {
			log.Fatalf("%s: %v", path, err)
		}
		target := filepath.Join(*out, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
