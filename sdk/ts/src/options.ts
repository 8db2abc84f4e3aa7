import type { Interceptor } from "@connectrpc/connect";
import { isVisible, type Auth, type Server } from "./auth.js";
import { realEnvironment, type Environment } from "./environment.js";
import { carryPosition, chooseOrganization } from "./headers.js";
import { persist, type Retry } from "./retry.js";

/** Bounds what is read of an answer, in bytes. A page of a list is far below. */
export const largestAnswer = 64 << 20;

/** Bounds what is read of an answer of the token endpoint. */
export const largestReply = 1 << 20;

/** What a transport needs to know, whatever it is made of. */
export interface CommonOptions {
  /** Where the server is, such as `https://acme.example.com`. */
  url: string | URL;
  /** How calls authenticate; without it they do not. */
  auth?: Auth | undefined;
  /** The organization that calls act in; without it, that of the caller. */
  organization?: string | undefined;
  /** How long a call may take with all its attempts, in milliseconds; 60000 by default, 0 for ever. A call's own timeoutMs goes before. */
  timeoutMs?: number | undefined;
  /** How reads are tried again while the server is Unavailable; false for not at all. */
  retry?: Retry | false | undefined;
  /** Allows tokens to travel unencrypted: without it, `auth` and an http: URL go together on this machine only. */
  insecure?: boolean | undefined;
  /** Interceptors around all that the transport does itself. */
  interceptors?: Interceptor[] | undefined;
  /** The clock and the chance to go by, for tests. */
  environment?: Partial<Environment> | undefined;
}

/** What is the same for the transports of all kinds. */
export interface Settings {
  baseUrl: string;
  defaultTimeoutMs?: number;
  interceptors: Interceptor[];
}

/** Checks the options. Throws TypeError naming the one that is wrong. */
export function settings(options: CommonOptions, post: Server["post"]): Settings {
  const url = parse(options.url);
  if (options.auth && url.protocol === "http:" && !options.insecure && !onThisMachine(url.hostname)) {
    throw new TypeError(
      "url: a token would travel unencrypted to another machine; use https, or allow it with `insecure: true`",
    );
  }
  const { timeoutMs = 60_000 } = options;
  if (!Number.isFinite(timeoutMs) || timeoutMs < 0) {
    throw new TypeError("timeoutMs must be a number from 0");
  }
  const environment: Environment = { ...realEnvironment, ...options.environment };
  const interceptors = [...(options.interceptors ?? [])];
  if (options.organization !== undefined) {
    if (!isVisible(options.organization)) {
      throw new TypeError("organization must be an id, of visible ASCII characters; leave it out for the caller's own");
    }
    interceptors.push(chooseOrganization(options.organization));
  }
  const tokens = options.auth?.({ origin: url.origin, environment, post });
  interceptors.push(persist(tokens, options.retry ?? {}, environment), carryPosition());
  return { baseUrl: url.origin, ...(timeoutMs > 0 && { defaultTimeoutMs: timeoutMs }), interceptors };
}

/** Returns a protocol that the transport speaks, the default one for undefined. Throws TypeError for another. */
export function protocolOf<Protocol extends string>(known: readonly [Protocol, ...Protocol[]], chosen?: Protocol): Protocol {
  const protocol = chosen ?? known[0];
  if (!known.includes(protocol)) {
    throw new TypeError(`protocol must be one of ${known.join(", ")}`);
  }
  return protocol;
}

function parse(text: string | URL): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("url must be an absolute URL, such as https://acme.example.com");
  }
  if (!/^https?:$/.test(url.protocol) || url.username || url.password || url.pathname !== "/" || url.search || url.hash) {
    throw new TypeError("url must be http or https, without user, path, query and fragment");
  }
  return url;
}

// Names under localhost mean this machine (RFC 6761, 6.3).
function onThisMachine(host: string): boolean {
  return /^(.*\.)?localhost\.?$|^127\.\d+\.\d+\.\d+$|^\[::(1|ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})\]$/.test(host);
}
