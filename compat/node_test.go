package compat

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The packages that are published for Node create, list, change and remove each
// kind of object, by tokens and keys that the server handed out. Those for OAuth
// 2.0 get tokens, look at them, verify them and take them back.
func TestNode(t *testing.T) {
	if _, err := os.Stat("node/node_modules"); err != nil {
		t.Fatal("the published packages are missing: run `npm ci` in compat/node")
	}
	for _, script := range []string{"client.mjs", "node.mjs", "oauth.mjs", "webkeys.mjs"} {
		t.Run(script, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			node := exec.CommandContext(ctx, "node", script, running.url.String(), running.dataDir)
			node.Dir = "node"
			if output, err := node.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}
