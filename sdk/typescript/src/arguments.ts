/** What every call takes. Since 0.1.0. */
export interface CallOptions {
  /** Sent as X-Request-ID: 1 to 128 characters of A-Z a-z 0-9 . _ ~ : / + = and -. */
  requestId?: string | undefined;
  /** Milliseconds for one try, in place of the client's. */
  timeout?: number | undefined;
  /** Ends the call at once, also while it waits, with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What a call that changes something also takes. */
interface IdempotentOptions extends CallOptions {
  /**
   * Sent as X-Idempotency-Key: 1 to 255 visible ASCII characters without a comma. Without one, other
   * methods than GET, HEAD and OPTIONS get a UUID, the same on each try. `false` sends none, and then a call
   * that changes something is tried once.
   */
  idempotencyKey?: string | false | undefined;
}

/** What {@link ConductorClient.execute} takes. Since 0.1.0. */
export interface ExecuteOptions extends IdempotentOptions {
  /** What the ensemble gets: anything that can be written as JSON. */
  input?: unknown;
}

/** What {@link ConductorClient.request} takes. Since 0.1.0. */
export interface RequestOptions extends IdempotentOptions {
  /** A body that is written as JSON. */
  json?: unknown;
  /** A body as it is; say what it is with a Content-Type in `headers`. */
  body?: string | Uint8Array | undefined;
  /** The query; a list gives its name several times. */
  query?:
    Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> | undefined;
  /** Further headers. The key, the request id and the idempotency key have arguments of their own. */
  headers?: Readonly<Record<string, string>> | undefined;
}
