import { ConfigurationError } from "./errors.js";

/** Where the API is. */
export interface Base {
  /** `https://api.example.com` */
  readonly origin: string;
  /** A path without a slash at its end, or "". */
  readonly prefix: string;
}

// The whole of 127.0.0.0/8 (RFC 1122 §3.2.1.3), in the one form that the URL parser leaves.
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

// A segment "." or "..", each dot also as %2e: it would leave the path that was asked for.
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

const BESIDE_A_PATH = /[?#\\\s\u0000-\u001f\u007f-\u009f]/;

/** What is wrong with a path below an origin, or null. */
export function wrongInPath(path: string): string | null {
  if (!path.startsWith("/") || path.startsWith("//")) return 'must begin with one "/"';
  if (BESIDE_A_PATH.test(path)) {
    return 'may not hold "?", "#", "\\", white space or control characters';
  }
  if (DOT_SEGMENT.test(path)) return 'may not hold a segment "." or ".."';
  return null;
}

/** The text is never shown: it may hold a password where none belongs. */
export function parseBase(text: unknown, source: string, allowHTTP: boolean): Base {
  const wrong = (what: string) => new ConfigurationError(`${source} ${what}`);
  const example = "write it like https://api.example.com";
  if (typeof text !== "string") throw wrong(`must be a string: ${example}`);
  const rest = /^https?:\/\/([^/]+)(\/.*)?$/i.exec(text);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong(`is not a URL: ${example}`);
  }
  if (rest === null) throw wrong(`must begin with https:// and a host: ${example}`);
  if (/[?#]/.test(text)) throw wrong(`may not hold a query or a fragment: ${example}`);
  if (/@/.test(rest[1] ?? "")) throw wrong(`may not hold a user or a password: ${example}`);
  const path = (rest[2] ?? "").replace(/\/+$/, "");
  if (/[\\\s]/.test(text) || (path !== "" && wrongInPath(path) !== null)) {
    throw wrong(`has a path that is not in normal form: ${example}`);
  }
  if (url.protocol === "http:" && !allowHTTP && !LOOPBACK.test(url.hostname)) {
    throw wrong(
      `is plain http to ${url.hostname}, where others on the way can read the API key: ` +
        "use https, or set allowHTTP: true",
    );
  }
  return { origin: url.origin, prefix: path };
}
