// A request id as the API accepts it; others are replaced there.
const REQUEST_ID = /^[A-Za-z0-9._~:/+=-]{1,128}$/;

export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}

// Control characters, what breaks a line or turns its direction, and halves of surrogate pairs, which
// no UTF-8 has.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

/** A server's text as it may be shown: without the key that was sent, on one line. */
export function shown(text: string, key: string): string {
  return text.replaceAll(key, "[redacted]").replace(UNPRINTABLE, "?");
}

/** `0.3 s` for 300: to the millisecond, no zeros at the end. */
export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(3))} s`;
}
