/** Clocks, chance and waiting, in one place so that the conformance tests can replace them. */
export interface Timing {
  /** Resolves after so many milliseconds; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** The wall clock in milliseconds since 1970. */
  now(): number;
  /** A clock that nobody sets, in milliseconds. */
  monotonic(): number;
  /** From 0 up to 1. */
  random(): number;
}

/** Above it setTimeout fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A timer that may be longer than setTimeout allows: it fires early then, after 24 days. */
export function startTimer(action: () => void, ms: number): ReturnType<typeof setTimeout> {
  return setTimeout(action, Math.min(Math.ceil(ms), LONGEST_TIMER));
}

export const realTiming: Timing = {
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = startTimer(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal?.addEventListener("abort", stop, { once: true });
    });
  },
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
};
