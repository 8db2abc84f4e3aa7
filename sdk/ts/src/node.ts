import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import type { SecureContextOptions } from "node:tls";
import { withErrors } from "./errors.js";
import { lookup, poster, tellUnreachable } from "./node-http.js";
import { largestAnswer, protocolOf, settings, type CommonOptions } from "./options.js";

export * from "./index.js";
export { keyFile, systemKey, tokenFile } from "./node-key.js";

const protocols = ["connect", "grpc-web", "grpc"] as const;

/** What `connect` takes in Node. */
export interface ConnectOptions extends CommonOptions {
  /** What is spoken on the wire; "connect" by default. "grpc" is HTTP/2, the others are HTTP/1.1. */
  protocol?: (typeof protocols)[number] | undefined;
  /** Certificates and keys for https, such as `ca`, if not the usual ones. */
  tls?: SecureContextOptions | undefined;
}

/**
 * Returns a transport for `createClient`, over Node's http and http2. Nothing is sent
 * before the first call; open connections keep no program running. Throws TypeError
 * naming the option that is wrong.
 */
export function connect(options: ConnectOptions): Transport {
  const protocol = protocolOf(protocols, options.protocol);
  const { interceptors, ...rest } = settings(options, poster(options.tls ?? {}));
  const nodeOptions = { ...options.tls, lookup };
  const common = {
    ...rest,
    interceptors: [...interceptors, tellUnreachable],
    useBinaryFormat: true,
    readMaxBytes: largestAnswer,
  };
  switch (protocol) {
    case "connect":
      return withErrors(createConnectTransport({ ...common, httpVersion: "1.1", nodeOptions }));
    case "grpc-web":
      return withErrors(createGrpcWebTransport({ ...common, httpVersion: "1.1", nodeOptions }));
    case "grpc":
      return withErrors(createGrpcTransport({ ...common, nodeOptions }));
  }
}
