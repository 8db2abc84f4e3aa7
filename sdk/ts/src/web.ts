import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Reply } from "./auth.js";
import { withErrors } from "./errors.js";
import { largestAnswer, largestReply, protocolOf, settings, type CommonOptions } from "./options.js";

export * from "./index.js";

const protocols = ["connect", "grpc-web"] as const;

/** What `connect` takes in browsers, and wherever else there is `fetch`. */
export interface ConnectOptions extends CommonOptions {
  /** What is spoken on the wire; "connect" by default. */
  protocol?: (typeof protocols)[number] | undefined;
  /** The `fetch` to use, if not the global one. */
  fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Returns a transport for `createClient`, over `fetch`. Nothing is sent before the
 * first call. Throws TypeError naming the option that is wrong.
 */
export function connect(options: ConnectOptions): Transport {
  const protocol = protocolOf(protocols, options.protocol);
  const fetch = reach(options.fetch);
  const common = { ...settings(options, poster(options.fetch)), fetch, useBinaryFormat: true };
  return withErrors(protocol === "connect" ? createConnectTransport(common) : createGrpcWebTransport(common));
}

// fetch without redirects, which a token must not follow, and with the errors of connections told from others.
// The API has no streams, so an answer is read at once, up to its bound.
function reach(custom?: typeof globalThis.fetch, largest = largestAnswer): typeof globalThis.fetch {
  return async (input, init) => {
    const fetch = custom ?? globalThis.fetch;
    let response: Response;
    try {
      response = await fetch(input, { ...init, redirect: "manual", credentials: "omit" });
      if (!redirects(response)) {
        return new Response(await bounded(response, largest), response);
      }
    } catch (reason) {
      if (init?.signal?.aborted || reason instanceof ConnectError) {
        throw reason;
      }
      throw new ConnectError("the server cannot be reached", Code.Unavailable, undefined, undefined, reason);
    }
    throw new ConnectError("the server redirects elsewhere: give the URL where it ends", Code.Unknown);
  };
}

function redirects({ type, status }: Response): boolean {
  return type === "opaqueredirect" || (status >= 300 && status < 400);
}

async function bounded({ body }: Response, largest: number): Promise<Blob | null> {
  const reader = body?.getReader();
  if (!reader) {
    return null;
  }
  const chunks: BlobPart[] = [];
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) {
      return new Blob(chunks);
    }
    chunks.push(value);
    size += value.byteLength;
    if (size > largest) {
      await reader.cancel();
      throw new ConnectError(`the answer is larger than ${largest} bytes`, Code.ResourceExhausted);
    }
  }
}

function poster(custom?: typeof globalThis.fetch) {
  const fetch = reach(custom, largestReply);
  return async (url: string, form: URLSearchParams, signal: AbortSignal): Promise<Reply> => {
    const response = await fetch(url, { method: "POST", body: form, signal });
    return { status: response.status, body: await response.text() };
  };
}
