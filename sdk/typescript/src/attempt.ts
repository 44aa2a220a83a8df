import { type Answer, makeAnswer } from "./answer.js";
import type { PreparedRequest } from "./prepare.js";
import { APIError } from "./errors.js";
import { connectionError, hiddenRedirect, statusError, timeoutError } from "./failures.js";
import { askKey } from "./key.js";
import type { Settings } from "./options.js";
import type { Timing } from "./timing.js";
import { TIME_UP, within } from "./within.js";

/** Everything from connecting to the last byte. */
async function exchange(
  settings: Settings,
  request: PreparedRequest,
  key: string,
  signal: AbortSignal,
): Promise<Answer> {
  // A plain call: a platform's own fetch refuses to be a method of something else.
  const { fetch } = settings;
  const response = await fetch(request.url, {
    method: request.method,
    headers: { ...request.headers, authorization: `Bearer ${key}` },
    ...(request.body === null ? {} : { body: request.body as BodyInit }),
    redirect: "manual",
    signal,
  });
  if (signal.aborted) {
    // This fetch ignores its signal, and nobody waits for its answer any more.
    await response.body?.cancel();
    throw TIME_UP;
  }
  if (response.type === "opaqueredirect") throw hiddenRedirect(request);
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.status === 0) throw new Error("fetch answered without a status");
  return makeAnswer(response, body, key, request.requestId);
}

/** The key, unless getting it takes all the time that the call has left. */
async function keyInTime(
  settings: Settings,
  request: PreparedRequest,
  left: () => number,
): Promise<string> {
  const { deadline } = settings;
  const limit = deadline === null ? null : Math.max(0, left());
  try {
    const key = await within(limit, request.signal, () => askKey(settings.apiKey));
    if (left() > 0) return key;
  } catch (error) {
    if (error !== TIME_UP) throw error;
  }
  throw timeoutError(deadline ?? 0, request, settings.base.origin);
}

/**
 * One try: ask for the key, send, read the whole answer.
 *
 * @param left - Milliseconds that are left for the call.
 * @throws {@link APIError} for everything but a 2xx; the signal's reason when it aborts.
 */
export async function attempt(
  settings: Settings,
  request: PreparedRequest,
  timing: Timing,
  left: () => number,
): Promise<Answer> {
  const { origin } = settings.base;
  const { signal } = request;
  const key = await keyInTime(settings, request, left);
  const limit = Math.min(request.timeout, left());
  const started = timing.monotonic();
  const log = (what: string, requestId: string | null) => {
    const took = ((timing.monotonic() - started) / 1000).toFixed(3);
    const id = requestId === null ? "" : ` (request id ${requestId})`;
    settings.logger?.debug(`${request.method} ${request.place}: ${what} in ${took} s${id}`);
  };
  let answer: Answer;
  try {
    answer = await within(limit, signal, (inner) => exchange(settings, request, key, inner));
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    const error =
      thrown === TIME_UP
        ? timeoutError(limit, request, origin)
        : thrown instanceof APIError
          ? thrown
          : connectionError(thrown, request, origin, key);
    log(error.name, request.requestId);
    throw error;
  }
  log(`${answer.status}`, answer.requestId);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw statusError(answer, request, key, timing.now);
}
