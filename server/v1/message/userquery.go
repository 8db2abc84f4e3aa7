package message

import (
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	directory "github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
)

const (
	// maxQueryDepth bounds how deep queries may be nested; those of the request
	// itself have depth 1.
	maxQueryDepth = 5
	// maxQueries bounds the queries of a request with all that are nested.
	maxQueries = 100
)

// UserConditions maps the queries for users to conditions. It returns
// fault.Invalid for the request field at path if there are too many of them,
// or nested too deep.
func UserConditions(path string, queries []*userv1.SearchQuery) ([]predicate.User, error) {
	left := maxQueries
	if err := checkQueries(path, queries, 1, &left); err != nil {
		return nil, err
	}
	return userConditions(queries), nil
}

// checkQueries takes the number of queries from left.
func checkQueries(path string, queries []*userv1.SearchQuery, depth int, left *int) error {
	if *left -= len(queries); *left < 0 {
		return fault.QueriesMany.Field(path, maxQueries)
	}
	for _, q := range queries {
		within := nested(q)
		if len(within) > 0 && depth == maxQueryDepth {
			return fault.QueriesDeep.Field(path, maxQueryDepth)
		}
		if err := checkQueries(path, within, depth+1, left); err != nil {
			return err
		}
	}
	return nil
}

// nested returns the queries within a query.
func nested(q *userv1.SearchQuery) []*userv1.SearchQuery {
	switch q := q.GetQuery().(type) {
	case *userv1.SearchQuery_OrQuery:
		return q.OrQuery.GetQueries()
	case *userv1.SearchQuery_AndQuery:
		return q.AndQuery.GetQueries()
	case *userv1.SearchQuery_NotQuery:
		return []*userv1.SearchQuery{q.NotQuery.GetQuery()}
	}
	return nil
}

func userConditions(queries []*userv1.SearchQuery) []predicate.User {
	conditions := make([]predicate.User, len(queries))
	for i, q := range queries {
		conditions[i] = userCondition(q)
	}
	return conditions
}

func userCondition(q *userv1.SearchQuery) predicate.User {
	switch q := q.GetQuery().(type) {
	case *userv1.SearchQuery_UserNameQuery:
		return userText(directory.UserName, q.UserNameQuery, q.UserNameQuery.GetUserName())
	case *userv1.SearchQuery_FirstNameQuery:
		return userText(directory.FirstName, q.FirstNameQuery, q.FirstNameQuery.GetFirstName())
	case *userv1.SearchQuery_LastNameQuery:
		return userText(directory.LastName, q.LastNameQuery, q.LastNameQuery.GetLastName())
	case *userv1.SearchQuery_NickNameQuery:
		return userText(directory.NickName, q.NickNameQuery, q.NickNameQuery.GetNickName())
	case *userv1.SearchQuery_DisplayNameQuery:
		return userText(directory.DisplayName, q.DisplayNameQuery, q.DisplayNameQuery.GetDisplayName())
	case *userv1.SearchQuery_EmailQuery:
		return userText(directory.Email, q.EmailQuery, q.EmailQuery.GetEmailAddress())
	case *userv1.SearchQuery_LoginNameQuery:
		return directory.WhereLoginName(TextMethod(q.LoginNameQuery.GetMethod()), q.LoginNameQuery.GetLoginName())
	case *userv1.SearchQuery_StateQuery:
		return user.StateIn(valuesOf(userStates, q.StateQuery.GetState())...)
	case *userv1.SearchQuery_TypeQuery:
		return user.TypeIn(valuesOf(userTypes, q.TypeQuery.GetType())...)
	case *userv1.SearchQuery_InUserIdsQuery:
		return directory.WhereIDIn(q.InUserIdsQuery.GetUserIds())
	case *userv1.SearchQuery_InUserEmailsQuery:
		return directory.WhereEmailIn(q.InUserEmailsQuery.GetUserEmails())
	case *userv1.SearchQuery_OrQuery:
		return user.Or(userConditions(q.OrQuery.GetQueries())...)
	case *userv1.SearchQuery_AndQuery:
		return user.And(userConditions(q.AndQuery.GetQueries())...)
	case *userv1.SearchQuery_NotQuery:
		return user.Not(userCondition(q.NotQuery.GetQuery()))
	}
	return user.IDIn() // a query has a kind, or the call was refused
}

func userText(column directory.TextColumn, q interface {
	GetMethod() zitadelv1.TextQueryMethod
}, needle string) predicate.User {
	return directory.WhereText(column, TextMethod(q.GetMethod()), needle)
}

// valuesOf returns the values of rows that are answered as value. There may be
// none: no user is ever without a state or a type.
func valuesOf[R, V comparable](answered map[R]V, value V) (rows []R) {
	for row, v := range answered {
		if v == value {
			rows = append(rows, row)
		}
	}
	return rows
}

// UserColumn returns the column that users are sorted by; when they were
// created if none is named.
func UserColumn(c userv1.UserFieldName) directory.SortColumn {
	return map[userv1.UserFieldName]directory.SortColumn{
		userv1.UserFieldName_USER_FIELD_NAME_USER_NAME:    directory.ByUserName,
		userv1.UserFieldName_USER_FIELD_NAME_FIRST_NAME:   directory.ByFirstName,
		userv1.UserFieldName_USER_FIELD_NAME_LAST_NAME:    directory.ByLastName,
		userv1.UserFieldName_USER_FIELD_NAME_NICK_NAME:    directory.ByNickName,
		userv1.UserFieldName_USER_FIELD_NAME_DISPLAY_NAME: directory.ByDisplayName,
		userv1.UserFieldName_USER_FIELD_NAME_EMAIL:        directory.ByEmail,
		userv1.UserFieldName_USER_FIELD_NAME_STATE:        directory.ByState,
		userv1.UserFieldName_USER_FIELD_NAME_TYPE:         directory.ByType,
	}[c]
}
