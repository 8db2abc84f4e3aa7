import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { unlessAborted, type Environment } from "./environment.js";
import type { Persist } from "./retry.js";

/** An answer over HTTP, read to its end. */
export interface Reply {
  status: number;
  body: string;
}

/** The server that tokens are for, and what it takes to get one from it. */
export interface Server {
  /** Scheme, host and port: the server's name for itself, its issuer. */
  readonly origin: string;
  readonly environment: Environment;
  readonly persist: Persist;
  /** Sends a form; follows no redirect. Rejects with ConnectError of code Unavailable if no answer came. */
  post(url: string, form: URLSearchParams, signal: AbortSignal): Promise<Reply>;
}

/** Tokens for one server. */
export interface Tokens {
  /** Returns the token to send. */
  get(signal: AbortSignal): Promise<string>;
  /** Hears that the server refused the token; returns whether there may be a better one now. */
  refused(token: string): boolean;
}

/** How calls authenticate: what `token`, `key`, `keyFile` and `systemKey` return. */
export type Auth = (server: Server) => Tokens;

/**
 * Authenticates by an access token, such as a personal one. A function is asked anew
 * for each call, so that it can keep and renew tokens as it likes.
 */
export function token(source: string | (() => string | Promise<string>)): Auth {
  if (typeof source === "string") {
    valid(source);
  }
  return () => ({
    get: async (signal) =>
      typeof source === "string" ? source : valid(await unlessAborted(Promise.resolve(source()), signal)),
    refused: () => false,
  });
}

// A token goes into a header; what does not fit there is no token, and not to be repeated in the error.
function valid(text: string): string {
  if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) {
    throw new TypeError("the token must be visible ASCII characters without spaces and line breaks, and not empty");
  }
  return text;
}

/** Sends a token with each call, and once another if the server refuses that. */
export function authenticate(tokens: Tokens): Interceptor {
  return (next) => async (request) => {
    const sent = await tokens.get(request.signal);
    request.header.set("authorization", `Bearer ${sent}`);
    try {
      return await next(request);
    } catch (reason) {
      const refused = ConnectError.from(reason).code === Code.Unauthenticated;
      // A stream's request is consumed. Any other call was refused before it began.
      if (!refused || request.stream || !tokens.refused(sent)) {
        throw reason;
      }
    }
    request.header.set("authorization", `Bearer ${await tokens.get(request.signal)}`);
    return next(request);
  };
}
