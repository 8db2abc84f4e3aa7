import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Tokens } from "./auth.js";
import type { Environment } from "./environment.js";

/** How often, and how long apart, what is Unavailable is tried again. */
export interface Retry {
  /** How often it is tried, the first time included; 4 by default. */
  attempts?: number | undefined;
  /** The longest wait before the second attempt, in milliseconds; it doubles from then on. 100 by default. */
  firstDelayMs?: number | undefined;
  /** The longest wait of all, in milliseconds; 2000 by default. */
  maxDelayMs?: number | undefined;
}

/**
 * Makes calls until they are answered for good: once more with another token if the one
 * that was kept is refused, and a few times, with exponential back-off and full jitter,
 * if the server is Unavailable and the call is a read. What failed before it got its
 * token was never made, so it is tried again whatever it is. Throws TypeError naming
 * what is wrong in `retry`.
 */
export function persist(tokens: Tokens | undefined, retry: Retry | false, environment: Environment): Interceptor {
  const pauses = pausesOf(retry, environment);
  return (next) => async (request) => {
    const read = !request.stream && request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    const deadline = environment.now() + timeoutOf(request.header);
    let refused: string | undefined;
    for (let tried = 1; ; ) {
      let repeatable = true;
      let kept = false;
      try {
        const sent = await tokens?.get(request.signal, refused);
        if (sent) {
          request.header.set("authorization", `Bearer ${sent.token}`);
        }
        repeatable = read;
        kept = refused === undefined && sent?.kept === true;
        return await next(request);
      } catch (reason) {
        const { code } = ConnectError.from(reason);
        // A stream's request is consumed. Any other call was refused before it began.
        if (kept && code === Code.Unauthenticated && !request.stream) {
          refused = request.header.get("authorization")?.replace("Bearer ", "");
          continue;
        }
        const pause = pauses(tried++);
        // A pause that outlasts the deadline is not begun: the failure says more than that time is up.
        if (!repeatable || code !== Code.Unavailable || request.signal.aborted || !(environment.now() + pause < deadline)) {
          throw reason;
        }
        await environment.sleep(pause, request.signal);
      }
    }
  };
}

// Returns how long to wait after so many attempts, Infinity if those were enough.
function pausesOf(retry: Retry | false, environment: Environment): (tried: number) => number {
  const { attempts = 4, firstDelayMs = 100, maxDelayMs = 2000 } = retry || { attempts: 1 };
  for (const [name, value] of Object.entries({ attempts, firstDelayMs, maxDelayMs })) {
    if (!Number.isFinite(value) || value < 0 || (name === "attempts" && (value < 1 || !Number.isInteger(value)))) {
      throw new TypeError(`retry.${name} must be a ${name === "attempts" ? "whole number from 1" : "number from 0"}`);
    }
  }
  return (tried) =>
    tried < attempts ? environment.random() * Math.min(maxDelayMs, firstDelayMs * 2 ** (tried - 1)) : Infinity;
}

// Returns how many milliseconds the call may take, as it says to the server.
function timeoutOf(header: Headers): number {
  const told = header.get("connect-timeout-ms") ?? header.get("grpc-timeout");
  return told === null ? Number.MAX_VALUE : Number.parseInt(told, 10);
}
