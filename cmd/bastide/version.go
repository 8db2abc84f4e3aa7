package main

import (
	"fmt"
	"runtime/debug"
)

// version and commit are set when a release is linked:
// -ldflags "-X main.version=v1.2.3 -X main.commit=…".
var version, commit string

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p *process) error {
	info, _ := debug.ReadBuildInfo()
	v, c := versions(info)
	if c != "" {
		c = " (" + c + ")"
	}
	_, err := fmt.Fprintf(p.stdout, "bastide %s%s\n", v, c)
	return err
}

// versions returns the version and the commit: what the linker was told, else
// what the Go command wrote down when it built the program; info may be nil.
func versions(info *debug.BuildInfo) (string, string) {
	v, c := version, commit
	if info != nil && v == "" {
		v = info.Main.Version
	}
	if info != nil && c == "" {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				c = s.Value + c
			case s.Key == "vcs.modified" && s.Value == "true":
				c += ", modified"
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "dev"
	}
	return v, c
}
