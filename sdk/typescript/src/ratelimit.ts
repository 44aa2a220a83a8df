/** What the tightest limit of an answer says; null is what it doesn't say readably. */
interface RateLimitFields {
  readonly limit: number | null;
  readonly remaining: number | null;
  /** Seconds. */
  readonly reset: number | null;
}

interface Item {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

// RFC 9651: a list whose members are strings with parameters, as in
// draft-ietf-httpapi-ratelimit-headers-10. A string may hold commas and semicolons.
const STRING = String.raw`"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"`;
const PARAMETER = String.raw`;[ ]*[a-z*][a-z0-9_.*-]*(?:=(?:${STRING}|[A-Za-z0-9:*?!#$%&'+./^_|~@=-]+))?`;
const MEMBER = new RegExp(`(${STRING})((?:${PARAMETER})*)`, "y");
const ONE_PARAMETER = new RegExp(PARAMETER, "g");
const COMMA = /[ \t]*,[ \t]*/y;

/** The list's members, or none where any part of it can't be read: half a list may mislead. */
function parseList(text: string): readonly Item[] {
  const items: Item[] = [];
  let at = 0;
  for (;;) {
    MEMBER.lastIndex = at;
    const member = MEMBER.exec(text);
    if (member === null) return [];
    const parameters = new Map<string, string>();
    for (const [parameter] of (member[2] ?? "").matchAll(ONE_PARAMETER)) {
      const equals = parameter.indexOf("=");
      const end = equals < 0 ? parameter.length : equals;
      parameters.set(parameter.slice(1, end).trim(), equals < 0 ? "" : parameter.slice(equals + 1));
    }
    items.push({ name: member[1] ?? "", parameters });
    at = MEMBER.lastIndex;
    if (at === text.length) return items;
    COMMA.lastIndex = at;
    if (COMMA.exec(text) === null) return [];
    at = COMMA.lastIndex;
  }
}

function count(item: Item | undefined, name: string): number | null {
  const text = item?.parameters.get(name);
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

/** The limit with the fewest requests left; of equal ones, the one that takes longest to refill. */
export function rateLimitFields(headers: Headers): RateLimitFields {
  let tightest: Item | undefined;
  let remaining: number | null = null;
  let reset: number | null = null;
  for (const item of parseList(headers.get("RateLimit") ?? "")) {
    const r = count(item, "r");
    const t = count(item, "t");
    if (r === null) continue;
    if (remaining === null || r < remaining || (r === remaining && (t ?? 0) > (reset ?? 0))) {
      [tightest, remaining, reset] = [item, r, t];
    }
  }
  const policies = parseList(headers.get("RateLimit-Policy") ?? "");
  const policy = policies.find((one) => one.name === tightest?.name);
  return { limit: count(policy, "q"), remaining, reset };
}
