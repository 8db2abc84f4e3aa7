import { unlessAborted } from "./environment.js";
import type { Tokens } from "./auth.js";

/** A token and when it ends, in milliseconds since 1970. */
export interface Lasting {
  token: string;
  begin: number;
  end: number;
}

// No call is given a token that may end on its way; a short-lived one is kept for most of its life.
const reserve = 60_000;
const shareOfLife = 0.2;
// As long as a caller without a deadline of its own waits for a token.
const longest = 30_000;

/**
 * Keeps a token until shortly before its end. Whoever asks while one is being made
 * waits for that one; a failure is told to those who wait, and not kept.
 */
export function cached(make: (signal: AbortSignal) => Promise<Lasting>, now: () => number): Tokens {
  let kept: Lasting | undefined;
  let coming: Promise<Lasting> | undefined;
  const renew = () => {
    // It is made for all who wait, so that no one's cancellation ends it.
    coming ??= make(AbortSignal.timeout(longest))
      .then((made) => (kept = made))
      .finally(() => (coming = undefined));
    return coming;
  };
  const good = ({ begin, end }: Lasting) => now() < end - Math.min(reserve, (end - begin) * shareOfLife);
  return {
    async get(signal) {
      if (kept && good(kept)) {
        return kept.token;
      }
      return (await unlessAborted(renew(), signal)).token;
    },
    refused(token) {
      if (kept?.token === token) {
        kept = undefined;
      }
      return true;
    },
  };
}
