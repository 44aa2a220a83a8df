import { startTimer } from "./timing.js";

/** What {@link within} rejects with when the time is up. */
export const TIME_UP = Symbol("time is up");

/**
 * The work's result, unless the time is up or the caller's signal aborts before: then it rejects at
 * once, with TIME_UP or the signal's reason, even if the work ignores the signal that it was given.
 * Neither the timer nor the listener outlives it.
 *
 * @param ms - Milliseconds, or null for no end.
 */
export async function within<T>(
  ms: number | null,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw signal.reason;
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort: (() => void) | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    if (ms !== null) {
      timer = startTimer(() => {
        reject(TIME_UP);
        controller.abort();
      }, ms);
    }
    onAbort = () => {
      reject(signal?.reason);
      controller.abort();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    const result = work(controller.signal);
    // Who lost the race may still reject, and nobody would listen.
    result.catch(() => undefined);
    interrupted.catch(() => undefined);
    return await Promise.race([result, interrupted]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  }
}
