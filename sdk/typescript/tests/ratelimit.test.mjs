import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal, rejection, scripted } from "./support/scripted.mjs";

async function fields(rateLimit, policy) {
  const headers = {};
  if (rateLimit !== undefined) headers["RateLimit"] = rateLimit;
  if (policy !== undefined) headers["RateLimit-Policy"] = policy;
  const { client } = scripted([refusal(429, "RATE_LIMITED", headers)], { maxRetries: 0 });
  const { limit, remaining, reset } = await rejection(client.health());
  return [limit, remaining, reset];
}

const ROWS = [
  ["one limit", '"minute";r=0;t=12', '"minute";q=60;w=60', [60, 0, 12]],
  [
    "the fewest left",
    '"minute";r=3;t=9, "day";r=0;t=500',
    '"minute";q=60;w=60, "day";q=1000;w=86400',
    [1000, 0, 500],
  ],
  [
    "of equal ones the longest",
    '"a";r=0;t=5,"b";r=0;t=50,"c";r=0;t=7',
    '"a";q=1, "b";q=2, "c";q=3',
    [2, 0, 50],
  ],
  ["no header", undefined, undefined, [null, null, null]],
  ["no policy", '"minute";r=0;t=12', undefined, [null, 0, 12]],
  ["another policy", '"minute";r=0;t=12', '"hour";q=60', [null, 0, 12]],
  ["no policy without a limit", undefined, '"minute";q=60;w=60', [null, null, null]],
  ["no t", '"minute";r=0', '"minute";q=60;w=60', [60, 0, null]],
  ["an item without r", '"minute";t=1, "day";r=4;t=2', '"day";q=9', [9, 4, 2]],
  ["an r that is no count", '"minute";r=-1;t=1, "day";r=4.5;t=2', undefined, [null, null, null]],
  ["a q that is no count", '"minute";r=1;t=2', '"minute";q=many', [null, 1, 2]],
  ["the last of two r", '"minute";r=9;r=1;t=2', undefined, [null, 1, 2]],
  [
    "other parameters",
    '"minute";pk=:aGk=:;r=1;note="a;r=0, b";x;t=2',
    '"minute";qu="requests";q=5',
    [5, 1, 2],
  ],
  ["a name with a comma", '"a, \\"b\\"";r=1;t=2', '"a, \\"b\\"";q=7', [7, 1, 2]],
  ["a name of another kind", "minute;r=1;t=2", undefined, [null, null, null]],
  ["the draft's older form", "limit=10, remaining=1, reset=7", undefined, [null, null, null]],
  ["half a list", '"minute";r=1;t=2, nonsense', undefined, [null, null, null]],
  ["a broken string", '"minute;r=1;t=2', undefined, [null, null, null]],
];
for (const [name, rateLimit, policy, expected] of ROWS) {
  test(`rate limit fields: ${name}`, async () => {
    assert.deepEqual(await fields(rateLimit, policy), expected);
  });
}
