/**
 * One tree of errors:
 *
 *     APIError
 *     ├── APIConnectionError            no complete answer
 *     │   └── APITimeoutError
 *     ├── APIResponseError              a 2xx whose body is not what is documented
 *     └── APIStatusError                every other status
 *         ├── BadRequestError 400 · AuthenticationError 401 · PermissionDeniedError 403
 *         ├── ConflictError 409 · UnprocessableEntityError 422 · ServiceUnavailableError 503
 *         └── RateLimitError 429
 *     ConfigurationError                a wrong option, a missing or malformed key
 */

/** What an error knows beside its message; what is left out is null. */
interface APIErrorDetails {
  readonly status?: number | null;
  readonly code?: string | null;
  readonly requestId?: string | null;
  readonly response?: Response | null;
  readonly idempotencyKey?: string | null;
  readonly cause?: unknown;
}

/** What an error with a status also knows. */
interface APIStatusErrorDetails extends APIErrorDetails {
  readonly retryAfter?: number | null;
  readonly limit?: number | null;
  readonly remaining?: number | null;
  readonly reset?: number | null;
}

function summary(message: string, details: APIErrorDetails): string {
  const { status, code, requestId } = details;
  const place = code == null ? "" : `${status} ${code}: `;
  const id = requestId == null ? "" : ` (request id ${requestId})`;
  return place + message + id;
}

/** Base of everything that a call can end with beside a wrong argument. Since 0.1.0. */
export class APIError extends Error {
  static {
    named(this, "APIError");
  }

  /** The answer's status, or null where there was none. */
  readonly status: number | null;
  /** The API's own code, `UNAUTHORIZED` say, or null where the answer has none. */
  readonly code: string | null;
  /** The answer's X-Request-ID, else what the call was given, else null. */
  readonly requestId: string | null;
  /** The answer, its body in memory, or null where there was none. */
  readonly response: Response | null;
  /** The idempotency key that was sent, so that you may repeat the request later, or null. */
  readonly idempotencyKey: string | null;
  readonly #summary: string;

  constructor(message: string, details: APIErrorDetails = {}) {
    const text = summary(message, details);
    super(text, details.cause === undefined ? undefined : { cause: details.cause });
    // V8 writes the stack's text when it is first read: now, so that its first line says status, code
    // and request id, as String(error) does.
    void this.stack;
    this.message = message;
    this.#summary = text;
    this.status = details.status ?? null;
    this.code = details.code ?? null;
    this.requestId = details.requestId ?? null;
    this.response = details.response ?? null;
    this.idempotencyKey = details.idempotencyKey ?? null;
  }

  override toString(): string {
    return `${this.name}: ${this.#summary}`;
  }
}

/** There was no complete answer: refused, reset, cut off, no such host. Since 0.1.0. */
export class APIConnectionError extends APIError {
  static {
    named(this, "APIConnectionError");
  }
}

/** There was no complete answer in time. Since 0.1.0. */
export class APITimeoutError extends APIConnectionError {
  static {
    named(this, "APITimeoutError");
  }
}

/** The answer is a success, but its body is not what is documented. Since 0.1.0. */
export class APIResponseError extends APIError {
  static {
    named(this, "APIResponseError");
  }
}

/** The answer is no success. Since 0.1.0. */
export class APIStatusError extends APIError {
  static {
    named(this, "APIStatusError");
  }

  /** The answer's Retry-After in seconds, or null where it has none that can be read. */
  readonly retryAfter: number | null;

  constructor(message: string, details: APIStatusErrorDetails = {}) {
    super(message, details);
    this.retryAfter = details.retryAfter ?? null;
  }
}

/** 400: the API can't read the request. Since 0.1.0. */
export class BadRequestError extends APIStatusError {
  static {
    named(this, "BadRequestError");
  }
}

/** 401: the key is missing, wrong, expired or revoked. Never retried. Since 0.1.0. */
export class AuthenticationError extends APIStatusError {
  static {
    named(this, "AuthenticationError");
  }
}

/** 403: the key may not do this. Since 0.1.0. */
export class PermissionDeniedError extends APIStatusError {
  static {
    named(this, "PermissionDeniedError");
  }
}

/** 409: the same idempotency key is still running, or its answer was not kept. Since 0.1.0. */
export class ConflictError extends APIStatusError {
  static {
    named(this, "ConflictError");
  }
}

/** 422: the idempotency key was used for another request. Since 0.1.0. */
export class UnprocessableEntityError extends APIStatusError {
  static {
    named(this, "UnprocessableEntityError");
  }
}

/** 503: the API can't answer now. Since 0.1.0. */
export class ServiceUnavailableError extends APIStatusError {
  static {
    named(this, "ServiceUnavailableError");
  }
}

/** 429: a rate limit is used up. Since 0.1.0. */
export class RateLimitError extends APIStatusError {
  static {
    named(this, "RateLimitError");
  }

  /** Requests that the tightest limit allows in its window, or null. */
  readonly limit: number | null;
  /** Requests that are left of it, or null. */
  readonly remaining: number | null;
  /** Seconds until there are more, or null. */
  readonly reset: number | null;

  constructor(message: string, details: APIStatusErrorDetails = {}) {
    super(message, details);
    this.limit = details.limit ?? null;
    this.remaining = details.remaining ?? null;
    this.reset = details.reset ?? null;
  }
}

/** An option is wrong, or the key is missing or malformed. Since 0.1.0. */
export class ConfigurationError extends Error {
  static {
    named(this, "ConfigurationError");
  }
}

/** On the prototype, as for JavaScript's own errors; written out, for minifiers rename classes. */
function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", {
    value: name,
    configurable: true,
    writable: true,
  });
}
