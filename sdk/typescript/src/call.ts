import { isReplay } from "./answer.js";
import type { PreparedRequest } from "./prepare.js";
import { APIConnectionError, APIError, APIStatusError } from "./errors.js";
import type { Settings } from "./options.js";
import type { Timing } from "./timing.js";
import { nextWait } from "./waits.js";

const RETRIED = [408, 429, 500, 502, 503, 504];

/** Whether a repeat of what ended so may end otherwise. */
function isRetried(error: unknown): error is APIError {
  if (error instanceof APIConnectionError) return true;
  if (!(error instanceof APIStatusError) || isReplay(error.response?.headers)) return false;
  // 409 without a time to wait: it was done, and its answer is gone.
  if (error.status === 409) return error.retryAfter !== null;
  return RETRIED.includes(error.status ?? 0);
}

function label(error: APIError): string {
  if (error.status === null) return error.name;
  return error.code === null ? `${error.status}` : `${error.status} ${error.code}`;
}

/**
 * Try until it works, is refused for good, or there are no retries or no time left. The last
 * error is thrown then.
 *
 * @param attempt - One try; it is given what is left of the call's milliseconds, as a function.
 */
export async function call<T>(
  settings: Settings,
  request: PreparedRequest,
  timing: Timing,
  attempt: (left: () => number) => Promise<T>,
): Promise<T> {
  const started = timing.monotonic();
  const left = () => (settings.deadline ?? Infinity) - (timing.monotonic() - started);
  for (let retries = 0; ; retries++) {
    try {
      return await attempt(left);
    } catch (error) {
      if (!request.mayRetry || retries >= settings.maxRetries || !isRetried(error)) throw error;
      const asked = error instanceof APIStatusError ? error.retryAfter : null;
      const wait = nextWait(retries, asked, timing);
      if (wait === null || wait * 1000 >= left()) throw error;
      settings.logger?.info(
        `${request.method} ${request.place}: ${label(error)}; trying again in ` +
          `${wait.toFixed(2)} s (${retries + 1} of ${settings.maxRetries})`,
      );
      await timing.sleep(wait * 1000, request.signal);
    }
  }
}
