package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

const helpTail = `
A flag comes before its environment variable, that before the key of the
file (--config; data-dir is dataDir there), that before the default.
An empty variable counts as not set. System users are in the file only.
A relative path in the file starts from the file; one of a flag or variable
starts from the working directory.
`

// printHelp prints the help of the command that was asked for, a line for each
// command or flag.
func printHelp(_ kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil {
		node = ctx.Model.Node
	}
	out := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	if len(node.Children) > 0 {
		line("Usage: %s <command> [flags]\n\n%s\n", node.FullPath(), node.Help)
		for _, command := range node.Leaves(true) {
			line("  %s\t%s", command.FullPath(), command.Help)
		}
		line("\n%s <command> --help shows its flags.", node.FullPath())
		return out.Flush()
	}
	line("Usage: %s [flags]\n\n%s", node.FullPath(), node.Help)
	if node.Detail != "" {
		line("\n%s", node.Detail)
	}
	settings := settingFlags(ctx.Model)
	for _, group := range groups {
		titled := false
		for _, flag := range node.Flags {
			if flag.Group == nil || flag.Group.Key != group.Key {
				continue
			}
			if !titled {
				line("\n%s", group.Title)
				titled = true
			}
			printFlag(out, flag, settings[flag.Name] != nil)
		}
	}
	if err := out.Flush(); err != nil || len(node.Flags) == 0 {
		return err
	}
	_, err := io.WriteString(ctx.Stdout, helpTail)
	return err
}

// printFlag prints a flag with its default, and its environment variable if it
// is a setting.
func printFlag(out io.Writer, flag *kong.Flag, isSetting bool) {
	name, help := "--"+flag.Name, flag.Help
	if !flag.IsBool() {
		name += " " + flag.PlaceHolder
	}
	if flag.HasDefault {
		help += " (" + flag.Default + ")"
	}
	if isSetting {
		help += "\t" + envName(flag.Name)
	}
	_, _ = fmt.Fprintf(out, "  %s\t%s\n", name, help)
}
