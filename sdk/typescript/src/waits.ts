import type { Timing } from "./timing.js";

/** Seconds. A server that asks for a longer wait gets no retry. */
const LONGEST_WAIT = 60;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

// RFC 9110 §5.6.7: IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT. Its obsolete forms
// count as unreadable.
const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([1-9][0-9]{3}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/;

// RFC 9110 §10.2.3: delay-seconds = 1*DIGIT, here at most nine of them.
const DELAY_SECONDS = /^[0-9]{1,9}$/;

/** Milliseconds since 1970, or null for what is no date of this form, 31 February too. */
function parseDate(text: string | null): number | null {
  const found = IMF_FIXDATE.exec(text ?? "");
  if (found === null) return null;
  const [day, month, year, hour, minute, second] = [
    Number(found[1]),
    MONTHS.indexOf(found[2] ?? ""),
    Number(found[3]),
    Number(found[4]),
    Number(found[5]),
    Number(found[6]),
  ];
  if (month < 0 || hour > 23 || minute > 59 || second > 59) return null;
  const ms = Date.UTC(year, month, day, hour, minute, second);
  return day > 0 && new Date(ms).getUTCDate() === day ? ms : null;
}

/** Seconds that the answer asks to wait, never below 0, or null where it doesn't say so readably. */
export function retryAfter(headers: Headers, now: () => number): number | null {
  const text = headers.get("Retry-After");
  if (text === null) return null;
  if (DELAY_SECONDS.test(text)) return Number(text);
  const date = parseDate(text);
  if (date === null) return null;
  // Against the server's own clock, so that ours may be wrong.
  const from = parseDate(headers.get("Date")) ?? now();
  return Math.max(0, (date - from) / 1000);
}

/**
 * Seconds to wait before retry `n`, counted from 0, or null where the server asks for more than a
 * call waits. Full jitter, so that clients that failed together don't come back together.
 */
export function nextWait(n: number, asked: number | null, timing: Timing): number | null {
  if (asked !== null) return asked > LONGEST_WAIT ? null : asked;
  return timing.random() * Math.min(8, 0.5 * 2 ** n);
}
