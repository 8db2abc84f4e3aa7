import type { CallOptions } from "@connectrpc/connect";

const pageTokenHeader = "x-bastide-page-token";
const nextPageTokenHeader = "x-bastide-next-page-token";

/** The type of the elements that an answer lists. */
export type ElementOf<Answer> = {
  [Field in Exclude<keyof Answer, "$unknown">]-?: Answer[Field] extends readonly (infer Element)[] ? Element : never;
}[Exclude<keyof Answer, "$unknown">];

/** What the answer of a list is, and no other. */
export type Listing<Answer> = [ElementOf<Answer>] extends [never] ? { "this method answers no list": never } : unknown;

/**
 * Goes through all elements of a list, page by page, as they are asked for:
 *
 *     for await (const user of all(management.listUsers, {})) …
 *
 * What the request says of offset and order holds for the list as a whole, its limit
 * for each page. The options hold for each page. Throws BastideError as the method does.
 */
export async function* all<Request extends object, Answer extends object>(
  method: ((request: Request, options?: CallOptions) => Promise<Answer>) & Listing<Answer>,
  request: Request,
  options: CallOptions = {},
): AsyncGenerator<ElementOf<Answer>, void, undefined> {
  for (let page: string | null = null, rest = request; ; ) {
    const headers = new Headers(options.headers);
    if (page !== null) {
      headers.set(pageTokenHeader, page);
      rest = withoutOffset(request);
    }
    let next: string | null = null;
    const answer: Answer = await method(rest, {
      ...options,
      headers,
      onHeader(received) {
        next = received.get(nextPageTokenHeader);
        options.onHeader?.(received);
      },
    });
    for (const element of elements(answer)) {
      yield element;
    }
    page = next;
    if (page === null) {
      return;
    }
  }
}

// The answer of a list has one field that is repeated.
function elements<Answer extends object>(answer: Answer): ElementOf<Answer>[] {
  const [list] = Object.entries(answer).filter(([name, value]) => name !== "$unknown" && Array.isArray(value));
  return list?.[1] ?? [];
}

// A page token says where the page begins; an offset beside it is refused.
function withoutOffset<Request extends object>(request: Request): Request {
  const { query } = request as { query?: { offset?: bigint } };
  return query?.offset ? { ...request, query: { ...query, offset: 0n } } : request;
}
