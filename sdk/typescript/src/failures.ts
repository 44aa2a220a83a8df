import { type Answer, isObject, json } from "./answer.js";
import type { PreparedRequest } from "./prepare.js";
import {
  APIConnectionError,
  APIError,
  APIResponseError,
  APIStatusError,
  APITimeoutError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError,
  UnprocessableEntityError,
} from "./errors.js";
import { rateLimitFields } from "./ratelimit.js";
import { seconds, shown } from "./text.js";
import { retryAfter } from "./waits.js";

const CLASSES: Readonly<Record<number, typeof APIStatusError>> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  409: ConflictError,
  422: UnprocessableEntityError,
  429: RateLimitError,
  503: ServiceUnavailableError,
};

const CODE = /^[A-Za-z0-9_.-]{1,64}$/;

const ANOTHER_SERVER = "a proxy or another server may have answered";

/** The origin of a redirect, or null where Location names none that can be read. */
function redirectOrigin(headers: Headers): string | null {
  const location = headers.get("Location") ?? "";
  // RFC 3986 §2: a URI is visible ASCII. A backslash is a slash to some readers.
  if (!/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(location)) return null;
  try {
    return new URL(location).origin;
  } catch {
    return null;
  }
}

function redirectMessage(answer: Answer): string {
  const origin = redirectOrigin(answer.headers);
  return origin === null
    ? `HTTP ${answer.status}: a redirect, which is not followed`
    : `HTTP ${answer.status}: a redirect to ${origin}, which is not followed; ` +
        "if that is the API, make it the base URL";
}

/** Code and message of an answer that is no success. */
function told(answer: Answer, key: string): { code: string | null; message: string } {
  if (answer.status >= 300 && answer.status < 400) {
    return { code: null, message: shown(redirectMessage(answer), key) };
  }
  const body = json(answer);
  const error = isObject(body) && body["success"] === false ? body["error"] : undefined;
  if (
    !isObject(error) ||
    typeof error["code"] !== "string" ||
    typeof error["message"] !== "string"
  ) {
    const what = `HTTP ${answer.status} without the API's error body`;
    return { code: null, message: `${what} (${answer.contentType}): ${ANOTHER_SERVER}` };
  }
  const code = shown(error["code"], key);
  return { code: CODE.test(code) ? code : null, message: shown(error["message"], key) };
}

/** The error of an answer that is no success. */
export function statusError(
  answer: Answer,
  request: PreparedRequest,
  key: string,
  now: () => number,
): APIStatusError {
  const { code, message } = told(answer, key);
  return new (CLASSES[answer.status] ?? APIStatusError)(message, {
    status: answer.status,
    code,
    requestId: answer.requestId,
    response: answer.response,
    idempotencyKey: request.idempotencyKey,
    retryAfter: retryAfter(answer.headers, now),
    ...(answer.status === 429 ? rateLimitFields(answer.headers) : {}),
  });
}

/** A browser hides which redirect it was: there is no status and no header. */
export function hiddenRedirect(request: PreparedRequest): APIStatusError {
  const { requestId, idempotencyKey } = request;
  return new APIStatusError("a redirect, which is not followed", { requestId, idempotencyKey });
}

/** The error of a success whose body is not what is documented. */
export function responseError(answer: Answer, request: PreparedRequest): APIResponseError {
  const what = `HTTP ${answer.status}, but the body is not the documented JSON`;
  return new APIResponseError(`${what} (${answer.contentType}): ${ANOTHER_SERVER}`, {
    status: answer.status,
    requestId: answer.requestId,
    response: answer.response,
    idempotencyKey: request.idempotencyKey,
  });
}

/** A cause as it may be shown: a fetch of the caller's may throw what holds headers. */
function redactedCause(thrown: unknown, key: string, depth = 0): Error {
  const { name, message, code, cause } = (thrown ?? {}) as Record<string, unknown>;
  const text = typeof thrown === "string" ? thrown : message;
  const copy = new Error(typeof text === "string" ? shown(text, key) : "");
  copy.name = typeof name === "string" ? shown(name, key) : "Error";
  // Its stack would lead here, which says nothing.
  copy.stack = `${copy.name}: ${copy.message}`;
  if (typeof code === "string") Object.assign(copy, { code: shown(code, key) });
  if (depth < 3 && cause != null) copy.cause = redactedCause(cause, key, depth + 1);
  return copy;
}

/** The innermost text: Node says "fetch failed", and why only in its cause. */
function causeText(error: Error): string {
  const inner = error.cause instanceof Error ? causeText(error.cause) : "";
  if (inner !== "") return inner;
  const { code } = error as { code?: string };
  if (error.message === "") return code ?? "";
  return code === undefined || error.message.includes(code)
    ? error.message
    : `${error.message} (${code})`;
}

/** The error of a try that ended with what fetch threw. */
export function connectionError(
  thrown: unknown,
  request: PreparedRequest,
  origin: string,
  key: string,
): APIError {
  const cause = redactedCause(thrown, key);
  const text = causeText(cause) || cause.name;
  return new APIConnectionError(`no complete answer from ${origin}: ${text}`, {
    requestId: request.requestId,
    idempotencyKey: request.idempotencyKey,
    cause,
  });
}

/** @param ms - The limit of the try, or of the call, in milliseconds. */
export function timeoutError(
  ms: number,
  request: PreparedRequest,
  origin: string,
): APITimeoutError {
  return new APITimeoutError(`no complete answer from ${origin} within ${seconds(ms)}`, {
    requestId: request.requestId,
    idempotencyKey: request.idempotencyKey,
  });
}
