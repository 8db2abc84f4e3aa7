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
		line("Usage: %s <command> [flags]\n\n%s", node.FullPath(), node.Help)
		title := ""
		for _, command := range node.Leaves(true) {
			if group := command.ClosestGroup(); group != nil && group.Title != title {
				title = group.Title
				line("\n%s", title)
			}
			line("  %s\t%s", usage(command), command.Help)
		}
		line("\n%s <command> --help shows its flags.", node.FullPath())
		return out.Flush()
	}
	line("Usage: %s [flags]\n\n%s", usage(node), node.Help)
	if node.Detail != "" {
		line("\n%s", node.Detail)
	}
	for i, argument := range node.Positional {
		if i == 0 {
			line("")
		}
		line("  %s\t%s", argument.Summary(), argument.Help)
	}
	settings := settingFlags(ctx.Model)
	for _, group := range groups {
		titled := false
		for _, flag := range node.Flags {
			if flag.Hidden || flag.Group == nil || flag.Group.Key != group.Key {
				continue
			}
			if !titled {
				line("\n%s", group.Title)
				titled = true
			}
			printFlag(out, flag, settings[flag.Name] != nil || isClientVariable(flag))
		}
	}
	if err := out.Flush(); err != nil || len(node.Flags) == 0 {
		return err
	}
	_, err := io.WriteString(ctx.Stdout, helpTail)
	return err
}

// usage is a command with its arguments.
func usage(command *kong.Node) string {
	text := command.FullPath()
	for _, argument := range command.Positional {
		text += " " + argument.Summary()
	}
	return text
}

// printFlag prints a flag with its default, and its environment variable if it
// has one.
func printFlag(out io.Writer, flag *kong.Flag, hasVariable bool) {
	name, help := "--"+flag.Name, flag.Help
	if flag.Short != 0 {
		name = "-" + string(flag.Short) + ", " + name
	}
	if flag.Tag.Negatable != "" {
		name = "--[no-]" + flag.Name
	}
	if !flag.IsBool() {
		name += " " + flag.PlaceHolder
	}
	if flag.HasDefault {
		help += " (" + flag.Default + ")"
	}
	if hasVariable {
		help += "\t" + envName(flag.Name)
	}
	_, _ = fmt.Fprintf(out, "  %s\t%s\n", name, help)
}
