import { unlessAborted, type Environment } from "./environment.js";

/** An answer over HTTP, read to its end. */
export interface Reply {
  status: number;
  body: string;
}

/** The server that tokens are for, and what it takes to get one from it. */
export interface Server {
  /** Scheme, host and port: where the server is, and, unless `audience` says otherwise, its name. */
  readonly origin: string;
  readonly environment: Environment;
  /** Sends a form; follows no redirect. Rejects with ConnectError of code Unavailable if no answer came. */
  post(url: string, form: URLSearchParams, signal: AbortSignal): Promise<Reply>;
}

/** A token to send. */
export interface Sendable {
  readonly token: string;
  /** Whether it was kept from before, so that a new one may do better if the server refuses it. */
  readonly kept: boolean;
}

/** Tokens for one server. */
export interface Tokens {
  /** Returns a token, and not the one that the server refused, if there may be another. */
  get(signal: AbortSignal, refused?: string): Promise<Sendable>;
}

/** How calls authenticate: what `token`, `key`, `keyFile` and `systemKey` return. */
export type Auth = (server: Server) => Tokens;

/** What keys can be told. */
export interface KeyOptions {
  /**
   * The server's external URL, which what the key signs is for. It is needed where that
   * is not the URL that the server is addressed by, as behind some proxies.
   */
  audience?: string | undefined;
}

/**
 * Authenticates by an access token, such as a personal one. A function is asked anew
 * for each call, so that it can keep and renew tokens as it likes. Space around a token
 * is left out, so that it may come from a file.
 */
export function token(source: string | (() => string | Promise<string>)): Auth {
  const fixed = typeof source === "string" ? sendable(source) : undefined;
  return () => ({
    async get(signal) {
      signal.throwIfAborted();
      const found = fixed ?? sendable(await unlessAborted(Promise.resolve((source as () => string)()), signal));
      return { token: found, kept: false };
    },
  });
}

// A token goes into a header; what does not fit there is no token, and not to be repeated in the error.
function sendable(text: string): string {
  const trimmed = typeof text === "string" ? text.trim() : "";
  if (!isVisible(trimmed)) {
    throw new TypeError("the token must be visible ASCII characters without spaces and line breaks, and not empty");
  }
  return trimmed;
}

/** Reports whether a text can be the value of a header as it stands: visible ASCII, and not empty. */
export function isVisible(text: unknown): text is string {
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text);
}

/** Returns the name of the server that a key signs for. Throws TypeError for an audience that is no URL. */
export function audienceOf({ audience }: KeyOptions): (server: Server) => string {
  if (audience === undefined) {
    return ({ origin }) => origin;
  }
  const url = URL.canParse(audience) ? new URL(audience) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new TypeError("audience must be the URL of the server, such as https://id.example.com");
  }
  return () => audience.replace(/\/$/, "");
}
