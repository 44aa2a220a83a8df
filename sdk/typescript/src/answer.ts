import { isRequestId, shown } from "./text.js";

/** An answer whose body is in memory, without the key where the server has echoed it in a header. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Null for a status that a Response can't have. */
  readonly response: Response | null;
  readonly requestId: string | null;
  /** `Content-Type: text/html`, or `no Content-Type`. */
  readonly contentType: string;
}

/** fetch allows these no body, not even an empty one. */
const NULL_BODY = [204, 205, 304];

// RFC 9112 §4: reason-phrase = 1*( HTAB / SP / VCHAR / obs-text ). A Response refuses others.
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

// RFC 6838 §4.2: the characters of type and subtype, and the length that it recommends.
const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]{1,64}\/[A-Za-z0-9!#$&^_.+-]{1,64}$/;

function contentType(headers: Headers): string {
  const type = (headers.get("Content-Type") ?? "").split(";")[0]?.trim() ?? "";
  return MEDIA_TYPE.test(type) ? `Content-Type: ${type}` : "no Content-Type";
}

function copyHeaders(from: Headers, key: string): Headers {
  const headers = new Headers();
  for (const [name, value] of from) headers.append(name, value.replaceAll(key, "[redacted]"));
  if (headers.has("content-encoding")) {
    // The body is decoded by now.
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  return headers;
}

/** @param requestId - What the caller gave, for an answer that names none. */
export function makeAnswer(
  from: Response,
  body: Uint8Array,
  key: string,
  requestId: string | null,
): Answer {
  const { status } = from;
  const headers = copyHeaders(from.headers, key);
  const named = headers.get("X-Request-ID") ?? "";
  const text = shown(from.statusText ?? "", key);
  return {
    status,
    headers,
    body,
    response:
      status < 200 || status > 599
        ? null
        : new Response(NULL_BODY.includes(status) ? null : (body as BodyInit), {
            status,
            statusText: REASON_PHRASE.test(text) ? text : "",
            headers,
          }),
    requestId: isRequestId(named) ? named : requestId,
    contentType: contentType(headers),
  };
}

/** The body as JSON, or undefined where it is none. */
export function json(answer: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.body));
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the API answered from its memory: a repeat gets the same again. */
export function isReplay(headers: Headers | undefined): boolean {
  return headers?.get("Idempotent-Replayed") === "true";
}
