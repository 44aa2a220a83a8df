import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import * as sdk from "@your-org/conductor-sdk";
import { answer, KEY, refusal, rejection, scripted } from "./support/scripted.mjs";

async function errorOf(respond, call = (client) => client.execute("e")) {
  const { client } = scripted([respond], { maxRetries: 0 });
  return rejection(call(client));
}

const CLASSES = [
  [400, "BadRequestError"],
  [401, "AuthenticationError"],
  [403, "PermissionDeniedError"],
  [409, "ConflictError"],
  [422, "UnprocessableEntityError"],
  [429, "RateLimitError"],
  [503, "ServiceUnavailableError"],
  [404, "APIStatusError"],
  [500, "APIStatusError"],
  [599, "APIStatusError"],
];
for (const [status, name] of CLASSES) {
  test(`${status} is ${name}`, async () => {
    const error = await errorOf(refusal(status, "A_CODE", { "X-Request-ID": "r-1" }));
    assert.equal(error.constructor, sdk[name]);
    assert.equal(error.name, name);
    for (const base of [sdk.APIStatusError, sdk.APIError, Error]) assert.ok(error instanceof base);
    assert.deepEqual(
      [error.status, error.code, error.message],
      [status, "A_CODE", "what is wrong"],
    );
    assert.deepEqual([error.requestId, error.response.status], ["r-1", status]);
    assert.equal(error.idempotencyKey.length, 36);
    assert.equal((await error.response.json()).success, false);
  });
}

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

const HTML = (type) => () =>
  new Response(new TextEncoder().encode("<html>"), {
    status: 502,
    headers: type === null ? {} : { "Content-Type": type },
  });
for (const [type, shown] of [
  ["text/html; charset=utf-8", "Content-Type: text/html"],
  ["text/html", "Content-Type: text/html"],
  ["nonsense", "no Content-Type"],
  ["a b/c", "no Content-Type"],
  ["text/html, text/plain", "no Content-Type"],
  [null, "no Content-Type"],
]) {
  test(`a proxy's page of type ${type}`, async () => {
    const error = await errorOf(HTML(type));
    assert.equal(error.code, null);
    assert.equal(
      error.message,
      `HTTP 502 without the API's error body (${shown}): a proxy or another server may have answered`,
    );
  });
}

for (const [name, body] of [
  ["success true", { success: true, error: { code: "A", message: "b" } }],
  ["success missing", { error: { code: "A", message: "b" } }],
  ["no error", { success: false }],
  ["an error that is text", { success: false, error: "A" }],
  ["an error that is a list", { success: false, error: ["A", "b"] }],
  ["a code that is a number", { success: false, error: { code: 4, message: "b" } }],
  ["no message", { success: false, error: { code: "A" } }],
  ["a list", [{ success: false }]],
  ["null", null],
]) {
  test(`not the envelope: ${name}`, async () => {
    const error = await errorOf(answer(400, body));
    assert.ok(error.message.startsWith("HTTP 400 without the API's error body"));
    assert.ok(error instanceof sdk.BadRequestError);
  });
}

test("an error body in broken UTF-8 is not the envelope", async () => {
  const body = Buffer.from(
    '{"success": false, "error": {"code": "A", "message": "\xff"}}',
    "latin1",
  );
  const error = await errorOf(() => new Response(body, { status: 400 }));
  assert.equal(error.code, null);
});

for (const code of ["", "A B", "ü", "a".repeat(65), "A\n"]) {
  test(`a code ${JSON.stringify(code).slice(0, 12)} is none, and its message stays`, async () => {
    const error = await errorOf(refusal(400, code));
    assert.deepEqual([error.code, error.message], [null, "what is wrong"]);
  });
}

test("control characters of a server's message become question marks", async () => {
  const message = "a\u0000b\nc\u001b[31md\u007fe\u0085f\u009fg\u00a0h";
  const error = await errorOf(answer(400, { success: false, error: { code: "A", message } }));
  assert.equal(error.message, "a?b?c?[31md?e?f?g\u00a0h");
});

for (const [location, message] of [
  [
    "https://other.example/path?token=1",
    "a redirect to https://other.example, which is not followed; if that is the API, make it the base URL",
  ],
  [
    "http://u:pw@other.example:8080/",
    "a redirect to http://other.example:8080, which is not followed; if that is the API, make it the base URL",
  ],
  ["/elsewhere", "a redirect, which is not followed"],
  ["//other.example/", "a redirect, which is not followed"],
  ["ftp://other.example/", "a redirect, which is not followed"],
  ["https://", "a redirect, which is not followed"],
  ["https:\\\\other.example", "a redirect, which is not followed"],
  [null, "a redirect, which is not followed"],
]) {
  test(`a redirect to ${location}`, async () => {
    const headers = location === null ? {} : { Location: location };
    const error = await errorOf(answer(302, undefined, headers));
    assert.equal(error.constructor, sdk.APIStatusError);
    assert.deepEqual([error.status, error.code], [302, null]);
    assert.equal(error.message, `HTTP 302: ${message}`);
  });
}

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

test("a request id of the answer comes before the caller's, and a malformed one doesn't", async () => {
  const call = (client) => client.health({ requestId: "mine" });
  assert.equal(
    (await errorOf(refusal(400, "A", { "X-Request-ID": "theirs" }), call)).requestId,
    "theirs",
  );
  assert.equal(
    (await errorOf(refusal(400, "A", { "X-Request-ID": "a b" }), call)).requestId,
    "mine",
  );
  assert.equal((await errorOf(refusal(400, "A"), call)).requestId, "mine");
  assert.equal((await errorOf(refusal(400, "A", { "X-Request-ID": "a b" }))).requestId, null);
});

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

test("an error's text holds no key, wherever the server or fetch put it", async () => {
  const told = await errorOf(
    answer(400, { success: false, error: { code: KEY, message: `${KEY}, ${KEY}!` } }),
  );
  assert.deepEqual([told.code, told.message], [null, "[redacted], [redacted]!"]);
});
