// Package client calls a Bastide server from Go.
//
//	c, err := client.New(ctx, "https://acme.example.com", client.WithKeyFile("owner.key.json"))
//	if err != nil {
//		return err
//	}
//	me, err := c.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{})
//
// The services of a client are those of the contract, with its messages; their
// comments say what each method does, which permission it takes and how it fails.
// What a client adds:
//
//   - It authenticates: by a token, or by a key with which it gets tokens and
//     renews them. Callers who need one at once share one request. One that was
//     kept and is refused is renewed, and the call made once more.
//   - It repeats calls that the server, or the way there, was unavailable for,
//     with exponential back-off and full jitter. Only reads: the methods that are
//     declared free of side effects. What a write did before it failed nobody knows.
//   - It reads its own writes. An answer that changed something has a position,
//     and the client sends the one that came last with every later call, so that
//     whichever process answers has seen the change, and all that were answered
//     before it: also those of calls that overlapped, through different processes.
//   - It reads lists to their end, page by page: All, AllOf and Page.
//   - Its errors are of type *Error, with an id that stays and the fields that are
//     wrong; errors.Is(err, client.NotFound) and connect.CodeOf(err) answer too.
//
// A client is made once for a server and a user, and used by many goroutines.
//
// # This package or zitadel-go
//
// Use zitadel-go or this package in one program, not both: they register messages
// of the same names with the protobuf library, which panics as the program starts.
package client
