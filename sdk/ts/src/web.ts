import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Reply } from "./auth.js";
import { withErrors } from "./errors.js";
import { protocolOf, settings, type CommonOptions } from "./options.js";

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
  const common = { ...settings(options, poster(fetch)), fetch, useBinaryFormat: true };
  return withErrors(protocol === "connect" ? createConnectTransport(common) : createGrpcWebTransport(common));
}

// fetch without redirects, which a token must not follow, and with the errors of connections told from others.
function reach(custom?: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const fetch = custom ?? globalThis.fetch;
    let response: Response;
    try {
      response = await fetch(input, { ...init, redirect: "manual", credentials: "omit" });
    } catch (reason) {
      if (init?.signal?.aborted) {
        throw reason;
      }
      throw new ConnectError("the server cannot be reached", Code.Unavailable, undefined, undefined, reason);
    }
    if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
      throw new ConnectError("the server redirects elsewhere: give the URL where it ends", Code.Internal);
    }
    return response;
  };
}

function poster(fetch: typeof globalThis.fetch) {
  return async (url: string, form: URLSearchParams, signal: AbortSignal): Promise<Reply> => {
    const response = await fetch(url, { method: "POST", body: form, signal });
    return { status: response.status, body: await response.text() };
  };
}
