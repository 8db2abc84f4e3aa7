import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Environment } from "./environment.js";

/** How often, and how long apart, what is Unavailable is tried again. */
export interface Retry {
  /** How often it is tried, the first time included; 4 by default. */
  attempts?: number | undefined;
  /** The longest wait before the second attempt, in milliseconds; it doubles from then on. 100 by default. */
  firstDelayMs?: number | undefined;
  /** The longest wait of all, in milliseconds; 5000 by default. */
  maxDelayMs?: number | undefined;
}

/** Returns what the function returns, trying again while that fails as Unavailable. */
export type Persist = <T>(attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Returns a Persist that waits with exponential back-off and full jitter. */
export function persistent(retry: Retry | false, environment: Environment): Persist {
  const { attempts = 4, firstDelayMs = 100, maxDelayMs = 5000 } = retry || { attempts: 1 };
  for (const [name, value] of Object.entries({ attempts, firstDelayMs, maxDelayMs })) {
    if (!Number.isFinite(value) || value < 0 || (name === "attempts" && (value < 1 || !Number.isInteger(value)))) {
      throw new TypeError(`retry.${name} must be a ${name === "attempts" ? "whole number from 1" : "number from 0"}`);
    }
  }
  return async (attempt, signal) => {
    for (let tried = 1; ; tried++) {
      try {
        return await attempt();
      } catch (reason) {
        if (tried >= attempts || signal.aborted || ConnectError.from(reason).code !== Code.Unavailable) {
          throw reason;
        }
      }
      const longest = Math.min(maxDelayMs, firstDelayMs * 2 ** (tried - 1));
      await environment.sleep(environment.random() * longest, signal);
    }
  };
}

/** Tries again what reads, and nothing else: a change may have been made though no answer came. */
export function retryReads(persist: Persist): Interceptor {
  return (next) => (request) =>
    !request.stream && request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS
      ? persist(() => next(request), request.signal)
      : next(request);
}
