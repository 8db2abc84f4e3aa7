package main

import (
	"context"
	"fmt"
)

// platform is what a program runs on, as Go names it.
type platform struct{ os, arch string }

var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

// env makes Go build for the platform, without a C compiler, and whatever the
// caller's own settings are for the oldest processors.
func (p platform) env() []string {
	return []string{
		"CGO_ENABLED=0", "GOOS=" + p.os, "GOARCH=" + p.arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-trimpath", "GOEXPERIMENT=", "GOWORK=off",
	}
}

// linkerFlags put version and commit into the program. They are not taken from
// the state of a git directory, so that a build without one, such as that of the
// Dockerfile, makes the same bytes.
func linkerFlags(s source) string {
	return fmt.Sprintf("-s -w -X main.version=%s -X main.commit=%s", s.version, s.commit)
}

// build compiles the program.
func build(ctx context.Context, s source, p platform, program string) error {
	_, err := output(ctx, ".", p.env(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(s), "-o", program, "./cmd/bastide")
	return err
}
