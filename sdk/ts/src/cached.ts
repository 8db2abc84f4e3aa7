import { Code, ConnectError } from "@connectrpc/connect";
import { unlessAborted } from "./environment.js";
import type { Tokens } from "./auth.js";

/** A token, and from when until when it is good, in milliseconds since 1970. */
export interface Lasting {
  token: string;
  begin: number;
  /** Infinity if nobody knows. */
  end: number;
}

// No call is given a token that may end on its way; a short-lived one is kept for most of its life.
const reserve = 60_000;
const shareOfLife = 1 / 4;
// How long is waited for a token at most; many callers may wait.
const longest = 30_000;

/**
 * Keeps a token until shortly before its end. Whoever asks while one is being made
 * waits for that one; a failure is told to those who wait, and not kept. While the
 * server is Unavailable the former token is used up.
 */
export function cached(make: (signal: AbortSignal) => Promise<Lasting>, now: () => number): Tokens {
  let held: Lasting | undefined;
  let coming: Promise<string> | undefined;
  const fresh = ({ begin, end }: Lasting) => now() < end - (end === Infinity ? 0 : Math.min(reserve, (end - begin) * shareOfLife));
  const renew = async (refused?: string) => {
    try {
      // It is made for all who wait, so that no one's cancellation ends it.
      held = await make(AbortSignal.timeout(longest));
      return held.token;
    } catch (reason) {
      const usable = held && held.token !== refused && now() < held.end;
      if (usable && held && ConnectError.from(reason).code === Code.Unavailable) {
        return held.token;
      }
      throw reason;
    }
  };
  return {
    async get(signal, refused) {
      for (let joined = 0; ; joined++) {
        if (held && held.token !== refused && fresh(held)) {
          return { token: held.token, kept: joined === 0 };
        }
        signal.throwIfAborted(); // no exchange begins for nobody
        coming ??= renew(refused).finally(() => (coming = undefined));
        const token = await unlessAborted(coming, signal);
        // One that was under way before the refusal may bring the refused token.
        if (token !== refused || joined > 0) {
          return { token, kept: false };
        }
      }
    },
  };
}
