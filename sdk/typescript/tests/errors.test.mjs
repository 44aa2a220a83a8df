import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import * as sdk from "@your-org/conductor-sdk";
import { answer, refusal, rejection, scripted } from "./support/scripted.mjs";

async function errorOf(respond, call = (client) => client.execute("e")) {
  const { client } = scripted([respond], { maxRetries: 0 });
  return rejection(call(client));
}

test("an error is of its class and all above it, and has the answer", async () => {
  const error = await errorOf(refusal(429));
  for (const kind of ["RateLimitError", "APIStatusError", "APIError"]) {
    assert.ok(error instanceof sdk[kind], kind);
  }
  assert.ok(error instanceof Error);
  assert.equal((await error.response.json()).success, false);
});

test("text, stack and inspection say status, code and request id", async () => {
  const error = await errorOf(
    answer(
      401,
      { success: false, error: { code: "UNAUTHORIZED", message: "Invalid API key" } },
      { "X-Request-ID": "abc" },
    ),
  );
  const text = "AuthenticationError: 401 UNAUTHORIZED: Invalid API key (request id abc)";
  assert.equal(String(error), text);
  assert.equal(error.stack.split("\n")[0], text);
  assert.ok(inspect(error).startsWith(text));
});

test("text of an error without code and request id is its message", async () => {
  const error = await errorOf(answer(502));
  assert.equal(
    String(error),
    "APIStatusError: HTTP 502 without the API's error body (no Content-Type): a proxy or another server may have answered",
  );
});

test("a redirect that a browser hides has no status", async () => {
  const hidden = { type: "opaqueredirect", status: 0, headers: new Headers() };
  const error = await errorOf(
    () => hidden,
    (client) => client.health({ requestId: "r1" }),
  );
  assert.equal(error.constructor, sdk.APIStatusError);
  assert.equal(error.message, "a redirect, which is not followed");
  assert.deepEqual([error.status, error.response, error.requestId], [null, null, "r1"]);
});

test("an answer without a status is a connection error", async () => {
  const error = await errorOf(() => Response.error());
  assert.equal(error.constructor, sdk.APIConnectionError);
});

test("a status that a Response can't have is still a clear error", async () => {
  const strange = {
    status: 999,
    headers: new Headers(),
    arrayBuffer: async () => new ArrayBuffer(0),
  };
  const error = await errorOf(() => strange);
  assert.deepEqual([error.status, error.response], [999, null]);
  assert.ok(error.message.startsWith("HTTP 999 without"));
});

for (const [thrown, text] of [
  [
    Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
    }),
    "read ECONNRESET",
  ],
  [
    Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }),
    }),
    "other side closed (UND_ERR_SOCKET)",
  ],
  [
    Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }),
    }),
    "ECONNREFUSED",
  ],
  [new TypeError("Unable to connect"), "Unable to connect"],
  [new TypeError(""), "TypeError"],
  ["just text", "just text"],
  [undefined, "Error"],
  [null, "Error"],
]) {
  test(`what fetch throws is shown as: ${text}`, async () => {
    const error = await errorOf(() => {
      throw thrown;
    });
    assert.equal(error.constructor, sdk.APIConnectionError);
    assert.equal(error.message, `no complete answer from https://api.example.com: ${text}`);
    assert.ok(error.cause instanceof Error);
  });
}

test("an error can be made for a test of the caller's", () => {
  const error = new sdk.RateLimitError("too many", {
    status: 429,
    code: "RATE_LIMITED",
    retryAfter: 3,
    limit: 60,
  });
  assert.deepEqual(
    [error.retryAfter, error.limit, error.remaining, error.requestId],
    [3, 60, null, null],
  );
  assert.equal(String(error), "RateLimitError: 429 RATE_LIMITED: too many");
  assert.ok(!("cause" in new sdk.APIError("x")));
});
