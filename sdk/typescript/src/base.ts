import { ConfigurationError } from "./errors.js";

/** Where the API is. */
export interface Base {
  /** `https://api.example.com/v1`, without a slash at its end. */
  readonly url: string;
  /** `https://api.example.com` */
  readonly origin: string;
}

// The whole of 127.0.0.0/8 (RFC 1122 §3.2.1.3), in the one form that the URL parser leaves.
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

// A segment "." or "..", each dot also as %2e: it would leave the path that was asked for.
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

// Visible ASCII without "?", "#" and the backslash, which is a slash to some readers.
const PATH = /^\/(?!\/)[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*$/;

/** What is wrong with a path below an origin, or null. */
export function wrongInPath(path: string): string | null {
  if (!PATH.test(path)) {
    return (
      'must begin with one "/" and hold visible ASCII only (percent-encode the rest), ' +
      'without "?", "#" and "\\": the query goes into query'
    );
  }
  if (DOT_SEGMENT.test(path)) return 'must not have a segment "." or ".."';
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
  const path = (rest[2] ?? "").replace(/\/+$/, "");
  if (/[?#@\\\s]/.test(rest[1] ?? "") || wrongInPath(path || "/") !== null) {
    throw wrong('must not hold a user, a password, "?", "#", "\\" or a segment "." or ".."');
  }
  if (url.protocol === "http:" && !allowHTTP && !LOOPBACK.test(url.hostname)) {
    throw wrong(
      `is http://${url.hostname}: the API key would be readable on its way there. ` +
        "Use https, or set allowHTTP: true if nobody can listen",
    );
  }
  return { url: url.origin + path, origin: url.origin };
}
