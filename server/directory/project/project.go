// Package project has projects, with their roles and applications.
package project

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// OwnerOf returns the organization of a project, or fault.ProjectUnknown.
func OwnerOf(ctx context.Context, s *store.Store, id string) (string, error) {
	owner, err := s.Read().Project.Query().Where(project.ProjectID(id)).Select(project.FieldResourceOwner).String(ctx)
	if ent.IsNotFound(err) {
		err = fault.ProjectUnknown.With()
	}
	return owner, err
}
