package client

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"
)

// All reads a list to its end, page by page, as it is ranged over:
//
//	for user, err := range client.All(ctx, c.Management.ListUsers, &managementv1.ListUsersRequest{}) {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// A page has as many elements as the request's query.limit says. Rows that come
// and go meanwhile move no others onto another page. An error comes once, last,
// with a zero element. Ranging over it once more reads the list anew.
//
// A list whose answer has no GetResult is read by AllOf.
func All[Request proto.Message, Response interface{ GetResult() []Element }, Element any](
	ctx context.Context, method func(context.Context, Request) (Response, error), request Request,
) iter.Seq2[Element, error] {
	return AllOf(ctx, method, request, func(r Response) []Element { return r.GetResult() })
}

// AllOf is All for any list: elements returns those of an answer, such as
// (*adminv1.ListEventsResponse).GetEvents.
func AllOf[Request proto.Message, Response, Element any](
	ctx context.Context, method func(context.Context, Request) (Response, error), request Request, elements func(Response) []Element,
) iter.Seq2[Element, error] {
	return func(yield func(Element, error) bool) {
		// Every page is asked for by the same request, whatever becomes of the
		// caller's.
		same := proto.CloneOf(request)
		for token := ""; ; {
			response, next, err := Page(ctx, method, same, token)
			if err != nil {
				var none Element
				yield(none, err)
				return
			}
			for _, element := range elements(response) {
				if !yield(element, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

// Page reads one page of a list, for those who show pages: with an empty token
// the first one, else the one behind the page that gave the token. The next token
// is empty behind the last page. It is good for the same request only, but for
// the limit; an offset counts for the first page alone.
func Page[Request, Response any](
	ctx context.Context, method func(context.Context, Request) (Response, error), request Request, token string,
) (response Response, next string, err error) {
	p := &page{token: token}
	response, err = method(context.WithValue(ctx, pageKey{}, p), request)
	return response, p.next, err
}

// page is what travels in the headers of a list's page.
type page struct{ token, next string }

type pageKey struct{}

func pageOf(ctx context.Context) *page {
	p, _ := ctx.Value(pageKey{}).(*page)
	return p
}
