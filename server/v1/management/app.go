package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	entapplication "github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/predicate"
	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Applications are the calls about the applications of a project.
type Applications struct{ store *store.Store }

// AddOIDCApp adds an OpenID Connect client to a project.
func (s Applications) AddOIDCApp(ctx context.Context, req *managementv1.AddOIDCAppRequest) (*managementv1.AddOIDCAppResponse, error) {
	c, config, err := oidcConfig(req, int32(req.GetVersion()))
	if err != nil {
		return nil, err
	}
	added, details, err := s.add(ctx, req, config)
	if err != nil {
		return nil, err
	}
	problems := problemsToProto(c)
	return &managementv1.AddOIDCAppResponse{
		AppId: added.ID, Details: details, ClientId: added.ClientID, ClientSecret: added.Secret,
		NoneCompliant: len(problems) > 0, ComplianceProblems: problems,
	}, nil
}

// AddAPIApp adds an API to a project.
func (s Applications) AddAPIApp(ctx context.Context, req *managementv1.AddAPIAppRequest) (*managementv1.AddAPIAppResponse, error) {
	added, details, err := s.add(ctx, req, application.API(int32(req.GetAuthMethodType())))
	if err != nil {
		return nil, err
	}
	return &managementv1.AddAPIAppResponse{AppId: added.ID, Details: details, ClientId: added.ClientID, ClientSecret: added.Secret}, nil
}

// GetAppByID returns an application.
func (s Applications) GetAppByID(ctx context.Context, req *managementv1.GetAppByIDRequest) (*managementv1.GetAppByIDResponse, error) {
	in, err := project.Get(ctx, s.store.Read().Project, req.GetProjectId())
	if err != nil {
		return nil, err
	}
	row, err := application.Get(ctx, s.store.Read().Application, in, req.GetAppId())
	if err != nil {
		return nil, err
	}
	app, err := appToProto(row, in.ResourceOwner)
	return &managementv1.GetAppByIDResponse{App: app}, err
}

// ListApps returns the applications of a project that match all queries.
func (s Applications) ListApps(ctx context.Context, req *managementv1.ListAppsRequest) (*managementv1.ListAppsResponse, error) {
	details, err := message.ListDetails(ctx, s.store)
	if err != nil {
		return nil, err
	}
	in, err := project.Get(ctx, s.store.Read().Project, req.GetProjectId())
	if err != nil {
		return nil, err
	}
	q := s.store.Read().Application.Query().Where(entapplication.ProjectPk(in.ID)).Where(appConditions(req.GetQueries())...)
	rows, total, err := store.List(ctx, s.store, q, message.Page(req.GetQuery()), entapplication.ByCreatedAt, entapplication.ByID)
	if err != nil {
		return nil, err
	}
	details.TotalResult = total
	apps := make([]*appv1.App, len(rows))
	for i, row := range rows {
		if apps[i], err = appToProto(row, in.ResourceOwner); err != nil {
			return nil, err
		}
	}
	return &managementv1.ListAppsResponse{Details: details, Result: apps}, nil
}

// UpdateApp renames an application.
func (s Applications) UpdateApp(ctx context.Context, req *managementv1.UpdateAppRequest) (*managementv1.UpdateAppResponse, error) {
	details, err := s.change(ctx, req, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
		return application.Rename(ctx, tx, in, row, req.GetName())
	})
	return &managementv1.UpdateAppResponse{Details: details}, err
}

// DeactivateApp keeps an application that cannot be used.
func (s Applications) DeactivateApp(ctx context.Context, req *managementv1.DeactivateAppRequest) (*managementv1.DeactivateAppResponse, error) {
	details, err := s.change(ctx, req, application.Deactivate)
	return &managementv1.DeactivateAppResponse{Details: details}, err
}

// ReactivateApp undoes DeactivateApp.
func (s Applications) ReactivateApp(ctx context.Context, req *managementv1.ReactivateAppRequest) (*managementv1.ReactivateAppResponse, error) {
	details, err := s.change(ctx, req, application.Reactivate)
	return &managementv1.ReactivateAppResponse{Details: details}, err
}

// RemoveApp removes an application with its keys.
func (s Applications) RemoveApp(ctx context.Context, req *managementv1.RemoveAppRequest) (*managementv1.RemoveAppResponse, error) {
	details, err := s.change(ctx, req, application.Remove)
	return &managementv1.RemoveAppResponse{Details: details}, err
}

// add adds an application to the project of the request.
func (s Applications) add(ctx context.Context, req interface {
	GetProjectId() string
	GetName() string
}, config application.Config,
) (application.New, *zitadelv1.ObjectDetails, error) {
	added, err := application.Prepare(s.store, req.GetName(), config)
	if err != nil {
		return added, nil, err
	}
	var change store.Change
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Hold(ctx, store.Subjects); err != nil {
			return err
		}
		in, err := project.Lock(ctx, tx, req.GetProjectId())
		if err != nil {
			return err
		}
		if err := project.CheckActive(in); err != nil {
			return err
		}
		change, err = application.Add(ctx, tx, in, added)
		return err
	})
	return added, message.Created(change), err
}

// namesApp is a request that names an application.
type namesApp interface {
	GetProjectId() string
	GetAppId() string
}

// changeOfApp changes an application of a project that is locked.
type changeOfApp func(context.Context, *store.Tx, *ent.Project, *ent.Application) (store.Change, error)

// change runs f in a transaction with the application of the request.
func (s Applications) change(ctx context.Context, req namesApp, f changeOfApp) (details *zitadelv1.ObjectDetails, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, row, err := lockApp(ctx, tx, req)
		if err != nil {
			return err
		}
		change, err := f(ctx, tx, in, row)
		details = message.Changed(change, row.CreatedAt)
		return err
	})
	return details, err
}

// lockApp returns the application of the request, and its project, which is
// locked.
func lockApp(ctx context.Context, tx *store.Tx, req namesApp) (*ent.Project, *ent.Application, error) {
	in, err := project.Lock(ctx, tx, req.GetProjectId())
	if err != nil {
		return nil, nil, err
	}
	row, err := application.Get(ctx, tx.Application, in, req.GetAppId())
	return in, row, err
}

func appConditions(queries []*appv1.AppQuery) []predicate.Application {
	return message.Each(queries, func(q *appv1.AppQuery) predicate.Application {
		return store.TextMatch(entapplication.FieldName, entapplication.FieldNameKey,
			message.TextMethod(q.GetNameQuery().GetMethod()), q.GetNameQuery().GetName())
	})
}
