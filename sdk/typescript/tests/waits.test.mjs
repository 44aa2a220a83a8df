import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal, rejection, scripted } from "./support/scripted.mjs";

async function retryAfter(headers) {
  const { client } = scripted([refusal(503, "X", headers)], { maxRetries: 0 });
  return (await rejection(client.health())).retryAfter;
}

// The local clock of the scripted client stands at Thu, 26 Nov 2026 12:00:00 GMT.
const READABLE = [
  [{ "Retry-After": "0" }, 0],
  [{ "Retry-After": "12" }, 12],
  [{ "Retry-After": " 12 " }, 12],
  [{ "Retry-After": "999999999" }, 999_999_999],
  [{ "Retry-After": "Thu, 26 Nov 2026 12:00:05 GMT" }, 5],
  [{ "Retry-After": "Thu, 26 Nov 2026 11:59:00 GMT" }, 0],
  [{ "Retry-After": "Wed, 26 Nov 2025 12:00:09 GMT", Date: "Wed, 26 Nov 2025 12:00:02 GMT" }, 7],
  [{ "Retry-After": "Sat, 26 Nov 2050 12:00:09 GMT", Date: "Sat, 26 Nov 2050 12:00:02 GMT" }, 7],
  [{ "Retry-After": "Thu, 26 Nov 2026 12:00:05 GMT", Date: "yesterday" }, 5],
  [{ "Retry-After": "Tue, 29 Feb 2028 00:00:03 GMT", Date: "Tue, 29 Feb 2028 00:00:00 GMT" }, 3],
  [{ "Retry-After": "4", Date: "Wed, 26 Nov 2025 12:00:02 GMT" }, 4],
];
for (const [headers, expected] of READABLE) {
  test(`${JSON.stringify(headers)} is ${expected} s`, async () => {
    assert.equal(await retryAfter(headers), expected);
  });
}

const UNREADABLE = [
  "",
  "soon",
  "-1",
  "+1",
  "1.5",
  "1e3",
  "0x10",
  "1000000000",
  "1, 2",
  "1 s",
  "Thu, 26 Nov 2026 12:00:05 UTC",
  "Thu, 26 Nov 2026 12:00:05 +0000",
  "thu, 26 nov 2026 12:00:05 gmt",
  "Thursday, 26-Nov-26 12:00:05 GMT",
  "Thu Nov 26 12:00:05 2026",
  "2026-11-26T12:00:05Z",
  "Thu, 6 Nov 2026 12:00:05 GMT",
  "Tue, 31 Feb 2026 12:00:05 GMT",
  "Sun, 29 Feb 2026 12:00:05 GMT",
  "Tue, 00 Dec 2026 12:00:05 GMT",
  "Thu, 26 Nov 2026 24:00:00 GMT",
  "Thu, 26 Nov 2026 12:60:00 GMT",
  "Thu, 26 Nov 2026 12:00:60 GMT",
  "Thu, 26 Xxx 2026 12:00:05 GMT",
  "Thu, 26 Nov 0026 12:00:05 GMT",
];
for (const text of UNREADABLE) {
  test(`Retry-After ${JSON.stringify(text)} counts as not given`, async () => {
    assert.equal(await retryAfter({ "Retry-After": text }), null);
  });
}

test("two Retry-After headers count as none", async () => {
  const headers = new Headers();
  headers.append("Retry-After", "1");
  headers.append("Retry-After", "2");
  assert.equal(await retryAfter(headers), null);
});
