import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import * as dns from "node:dns";
import * as http from "node:http";
import * as https from "node:https";
import type { LookupFunction } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { Reply, Server } from "./auth.js";
import { largestReply } from "./options.js";

/** Looks names up as Node does, but finds those under localhost on this machine (RFC 6761, 6.3). */
export const lookup: LookupFunction = (host, options, callback) => {
  if (!/\.localhost\.?$/i.test(host)) {
    dns.lookup(host, options, callback);
    return;
  }
  const wanted = options.family === "IPv6" ? 6 : options.family === "IPv4" ? 4 : options.family || 0;
  const addresses = [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ].filter(({ family }) => wanted === 0 || wanted === family);
  const [first] = addresses;
  process.nextTick(() =>
    options.all || !first ? callback(null, addresses) : callback(null, first.address, first.family),
  );
};

/** Returns what sends a form by Node's http. */
export function poster(tls: SecureContextOptions): Server["post"] {
  return async (url, form, signal) => {
    try {
      return await post(url, form.toString(), tls, signal);
    } catch (reason) {
      if (reason instanceof ConnectError) {
        throw reason;
      }
      throw signal.aborted
        ? ConnectError.from(signal.reason)
        : new ConnectError("the server cannot be reached", Code.Unavailable, undefined, undefined, reason);
    }
  };
}

function post(url: string, body: string, tls: SecureContextOptions, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith("https:") ? https : http;
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body) };
    const sent = request(url, { ...tls, method: "POST", headers, lookup, signal }, (response) => {
      let read = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        read += text;
        if (read.length > largestReply) {
          response.destroy(new ConnectError("the answer of the token endpoint is too large", Code.Unknown));
        }
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: read }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const broken = new Set(["ECONNRESET", "EPIPE", "ERR_HTTP2_STREAM_ERROR", "ERR_STREAM_DESTROYED", "ERR_HTTP2_INVALID_STREAM"]);

/** Makes Unavailable of a connection that broke before the answer, which connect-node tells as Aborted, Canceled or Internal. */
export const tellUnreachable: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (reason) {
    if (!request.signal.aborted && (cancelled(reason) || causes(reason).some((cause) => broken.has(cause)))) {
      throw new ConnectError("the connection broke before the answer", Code.Unavailable, undefined, undefined, reason);
    }
    throw reason;
  }
};

// Over HTTP/2 a lost connection looks like this; an error that the server answered has headers.
function cancelled(reason: unknown): boolean {
  const { code, metadata } = ConnectError.from(reason);
  return code === Code.Canceled && metadata.keys().next().done === true;
}

function causes(reason: unknown): string[] {
  const codes: string[] = [];
  for (let error = reason, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth++) {
    if ("code" in error && typeof error.code === "string") {
      codes.push(error.code);
    }
  }
  return codes;
}
