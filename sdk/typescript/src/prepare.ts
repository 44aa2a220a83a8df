import type { RequestOptions } from "./arguments.js";
import { wrongInPath } from "./base.js";
import { ownOf, type Settings, unknownName, wrongLimits, wrongTime } from "./options.js";
import { isRequestId } from "./text.js";
import { uuid } from "./uuid.js";
import { VERSION } from "./version.js";

/** A request as each try sends it, but for the API key. */
export interface PreparedRequest {
  readonly method: string;
  readonly url: string;
  /** The URL without its query, for the log. */
  readonly place: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
  readonly mayRetry: boolean;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

export const CALL_NAMES = ["requestId", "timeout", "signal"];
export const IDEMPOTENT_NAMES = [...CALL_NAMES, "idempotencyKey"];
const REQUEST_NAMES = [...IDEMPOTENT_NAMES, "json", "body", "query", "headers"];

// RFC 9110 §9.2.1: they change nothing, so they may be repeated without a key. (TRACE is one too.)
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];
// fetch refuses these three.
const METHOD = /^(?!CONNECT$|TRACE$|TRACK$)[A-Z]{1,20}$/;

// Visible ASCII without the comma: two of these keys joined by a proxy can't pass for one.
const IDEMPOTENCY_KEY = /^[\x21-\x2b\x2d-\x7e]{1,255}$/;

// RFC 9110 §5.1 and §5.5: token; field-vchar, SP and HTAB, here of ASCII only.
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

const ARGUMENT_OF: Readonly<Record<string, string>> = {
  authorization: "the client's apiKey",
  "x-idempotency-key": "idempotencyKey",
  "idempotency-key": "idempotencyKey",
  "x-request-id": "requestId",
};

// fetch sets these itself; platforms differ in what they do with a second opinion.
const TRANSPORT_HEADERS =
  "connection content-length expect host keep-alive te trailer transfer-encoding upgrade".split(
    " ",
  );

function refuse(wrong: string | null): void {
  if (wrong !== null) throw new TypeError(wrong);
}

/** @throws TypeError if it is no object or has a name that is not among the known. */
export function checkNames(given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) throw new TypeError("options must be an object");
  const unknown = unknownName(given, known);
  if (unknown !== null)
    throw new TypeError(`unknown option ${unknown}: known are ${known.join(", ")}`);
}

/** `/execute/{ensemble}`, the name as one segment. */
export function executePath(ensemble: string): string {
  if (typeof ensemble !== "string" || ["", ".", ".."].includes(ensemble)) {
    throw new TypeError('ensemble must be a name, not "", "." or ".."');
  }
  try {
    return `/execute/${encodeURIComponent(ensemble)}`;
  } catch {
    throw new TypeError("ensemble must be well-formed Unicode");
  }
}

function queryText(query: RequestOptions["query"]): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      const isNumber = typeof one === "number" && Number.isFinite(one);
      if (!isNumber && typeof one !== "string" && typeof one !== "boolean") {
        throw new TypeError(
          `query.${name} must be a string, a number, a boolean or a list of strings`,
        );
      }
      pairs.append(name, String(one));
    }
  }
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}

function jsonText(json: unknown): string | undefined {
  try {
    return JSON.stringify(json);
  } catch (error) {
    const isDeep = error instanceof RangeError && error.message.includes("call stack");
    throw isDeep ? new TypeError("json is nested too deeply") : error;
  }
}

function bodyBytes(options: RequestOptions): Uint8Array | null {
  const { json, body } = options;
  if (json !== undefined && body !== undefined)
    throw new TypeError("json and body exclude each other");
  if (json !== undefined) {
    const text = jsonText(json);
    if (text === undefined) throw new TypeError("json can't be written as JSON");
    return new TextEncoder().encode(text);
  }
  if (body === undefined) return null;
  if (typeof body === "string") return new TextEncoder().encode(body);
  // A copy: each try sends the same, whatever the caller does with theirs.
  if (body instanceof Uint8Array) return new Uint8Array(body);
  throw new TypeError("body must be a string or a Uint8Array");
}

function checkedHeaders(given: RequestOptions["headers"]): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    throw new TypeError("headers must be an object of strings");
  }
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!HEADER_NAME.test(name)) throw new TypeError("headers has a name that is no header's name");
    const lower = name.toLowerCase();
    const argument = Object.hasOwn(ARGUMENT_OF, lower) ? ARGUMENT_OF[lower] : undefined;
    if (argument !== undefined)
      throw new TypeError(`headers may not hold ${name}: that is ${argument}`);
    if (TRANSPORT_HEADERS.includes(lower)) {
      throw new TypeError(`headers may not hold ${name}: the transport sets it`);
    }
    if (typeof value !== "string" || !HEADER_VALUE.test(value)) {
      throw new TypeError(`headers.${name} must be text of visible ASCII, spaces and tabs`);
    }
    headers[lower] = value;
  }
  return headers;
}

function chooseIdempotencyKey(given: string | false | undefined, safe: boolean): string | null {
  if (given === false) return null;
  if (given === undefined) return safe ? null : uuid();
  if (typeof given === "string" && IDEMPOTENCY_KEY.test(given)) return given;
  throw new TypeError(
    "idempotencyKey must be 1 to 255 visible ASCII characters without a comma, or false for none",
  );
}

function checkSignal(signal: unknown): void {
  const target = signal as AbortSignal | null | undefined;
  if (target === undefined) return;
  if (typeof target?.addEventListener === "function" && typeof target.aborted === "boolean") return;
  throw new TypeError("signal must be an AbortSignal");
}

/** @throws TypeError for the first argument that is wrong. */
export function prepare(
  settings: Settings,
  method: string,
  path: string,
  given: RequestOptions,
): PreparedRequest {
  checkNames(given, REQUEST_NAMES);
  const options = ownOf(given);
  if (typeof method !== "string" || !METHOD.test(method)) {
    throw new TypeError('method must be one of HTTP in capitals, such as "POST"');
  }
  const wrong = typeof path === "string" ? wrongInPath(path) : "must be a string";
  if (wrong !== null) throw new TypeError(`path ${wrong}`);

  const { requestId = null, timeout = settings.timeout, signal } = options;
  if (requestId !== null && (typeof requestId !== "string" || !isRequestId(requestId))) {
    throw new TypeError("requestId must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ : / + = and -");
  }
  refuse(wrongTime("timeout", timeout));
  refuse(wrongLimits(timeout, settings.deadline));
  checkSignal(signal);
  const safe = SAFE_METHODS.includes(method);
  const idempotencyKey = chooseIdempotencyKey(options.idempotencyKey, safe);
  const body = bodyBytes(options);
  if (body !== null && (method === "GET" || method === "HEAD")) {
    throw new TypeError(`a ${method} has no body: use query`);
  }

  const place = settings.base.url + path;
  return {
    method,
    url: place + queryText(options.query),
    place,
    headers: {
      accept: "application/json",
      "user-agent": `conductor-sdk-typescript/${VERSION}`,
      ...(options.json === undefined ? {} : { "content-type": "application/json" }),
      ...checkedHeaders(options.headers),
      ...(requestId === null ? {} : { "x-request-id": requestId }),
      ...(idempotencyKey === null ? {} : { "x-idempotency-key": idempotencyKey }),
    },
    body,
    requestId,
    idempotencyKey,
    mayRetry: safe || idempotencyKey !== null,
    timeout,
    signal,
  };
}
