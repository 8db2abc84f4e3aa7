/** The time and the chance that waiting depends on. Tests bring their own. */
export interface Environment {
  /** The time in milliseconds since 1970. */
  now(): number;
  /** A number from 0 to 1, 1 excluded. */
  random(): number;
  /** Resolves after so many milliseconds; rejects with the signal's reason once that is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const realEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (milliseconds, signal) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const slept = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    return unlessAborted(slept, signal).finally(() => clearTimeout(timer));
  },
};

/** Returns what the promise does, or rejects with the signal's reason if that is aborted before. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) {
      promise.catch(() => {}); // told to nobody: it would end the program
      abort();
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
