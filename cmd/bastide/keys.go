package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bastide-id/bastide/server"
)

type keysCommand struct {
	Rotate keysRotateCommand `cmd:"" help:"Have the running server give instances new signing keys; what the former ones signed stays valid until it expires."`
}

type keysRotateCommand struct {
	Instance *string       `group:"command" placeholder:"ID" help:"The one instance to do it in; without it all that have a key."`
	Announce time.Duration `group:"command" placeholder:"TIME" default:"0s" help:"Have the new keys published for so long before they sign."`
	place    `group:"place"`
}

// Run prints what is done in each instance as soon as it is. It ends with ctx;
// what was done until then stays.
func (k keysRotateCommand) Run(ctx context.Context, p *process) error {
	c, err := complete(server.Config{}, k.place)
	if err != nil {
		return err
	}
	var instanceID string
	switch {
	case k.Announce < 0 || k.Announce > server.MaxKeyAnnouncement:
		return usageError{fmt.Errorf("--announce: %s is out of range: give 0s to %s", k.Announce, server.MaxKeyAnnouncement)}
	case k.Instance != nil && *k.Instance == "": // most likely of a variable that is not set
		return usageError{errors.New("--instance: the id is empty: give one, or leave the flag out for all instances")}
	case k.Instance != nil:
		instanceID = *k.Instance
	}
	number := 0
	err = server.RotateKeys(ctx, c.DataDir, instanceID, k.Announce, func(done server.KeyRotation) {
		if done.KeyID != "" {
			number++
		}
		_, _ = fmt.Fprintln(p.stdout, rotationText(done))
	})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %s, and perhaps the one that was next", newKeys(number))
	case errors.Is(err, server.ErrNotRunning):
		return fmt.Errorf("the server that runs rotates its keys: start it, or name its data directory with --data-dir: %w", err)
	case err != nil && number > 0:
		return fmt.Errorf("%w: until then %s", err, newKeys(number))
	case err != nil:
		return err
	case number == 0 && instanceID == "":
		_, err = fmt.Fprintln(p.stdout, "No instance has a key yet: each makes one when it is first needed.")
	default:
		_, err = fmt.Fprintf(p.stdout, "Done: %s. The former keys are published until what they signed has expired.\n", newKeys(number))
	}
	return err
}

func newKeys(number int) string {
	if number == 1 {
		return "1 instance has a new key"
	}
	return fmt.Sprintf("%d instances have a new key", number)
}

func rotationText(r server.KeyRotation) string {
	switch {
	case r.KeyID == "":
		return fmt.Sprintf("Instance %s has no key yet: it makes one when it is first needed.", r.InstanceID)
	case r.ActivatesAt != nil:
		return fmt.Sprintf("Instance %s: the key %s (%s) is published, and signs from %s on.", r.InstanceID, r.KeyID, r.Algorithm, r.ActivatesAt.Format(time.RFC3339))
	}
	return fmt.Sprintf("Instance %s: the key %s (%s) signs from now on.", r.InstanceID, r.KeyID, r.Algorithm)
}
