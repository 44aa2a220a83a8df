import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY, rejection, scripted, sent, wrong } from "./support/scripted.mjs";

for (const [name, value, message] of [
  ["Authorization", "Bearer x", "headers may not hold Authorization: that is the client's apiKey"],
  ["AUTHORIZATION", "x", "headers may not hold AUTHORIZATION: that is the client's apiKey"],
  ["X-Idempotency-Key", "x", "headers may not hold X-Idempotency-Key: that is idempotencyKey"],
  ["x-request-id", "x", "headers may not hold x-request-id: that is requestId"],
  ["Host", "other.example", "headers may not hold Host: the transport sets it"],
  ["content-length", "5", "headers may not hold content-length: the transport sets it"],
  ["Transfer-Encoding", "chunked", "headers may not hold Transfer-Encoding: the transport sets it"],
  ["a b", "x", "headers has a name that is no header's name"],
  ["", "x", "headers has a name that is no header's name"],
  ["a:", "x", "headers has a name that is no header's name"],
  ["X-Own", "a\r\nX-Other: b", "headers.X-Own must be text of visible ASCII, spaces and tabs"],
  ["X-Own", "ü", "headers.X-Own must be text of visible ASCII, spaces and tabs"],
  ["X-Own", 5, "headers.X-Own must be text of visible ASCII, spaces and tabs"],
  ["X-Own", undefined, "headers.X-Own must be text of visible ASCII, spaces and tabs"],
]) {
  test(`the header ${JSON.stringify(name)}: ${JSON.stringify(value)} is refused`, async () => {
    assert.equal(
      await wrong((client) => client.request("GET", "/x", { headers: { [name]: value } })),
      message,
    );
  });
}

test("headers that are null are refused", async () => {
  assert.equal(
    await wrong((client) => client.request("GET", "/x", { headers: null })),
    "headers must be an object of strings",
  );
});

const REQUEST_ID = "requestId must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ : / + = and -";
for (const requestId of ["", "a b", "a".repeat(129), "ü", "a\n", 5]) {
  test(`the request id ${JSON.stringify(requestId).slice(0, 10)} is refused`, async () => {
    assert.equal(await wrong((client) => client.health({ requestId })), REQUEST_ID);
  });
}

const IDEMPOTENCY_KEY =
  "idempotencyKey must be 1 to 255 visible ASCII characters without a comma, or false for none";
for (const idempotencyKey of ["", "a,b", "a b", "ü", "a\n", "a".repeat(256), true, null, 5]) {
  test(`the idempotency key ${JSON.stringify(idempotencyKey).slice(0, 10)} is refused`, async () => {
    assert.equal(await wrong((client) => client.execute("e", { idempotencyKey })), IDEMPOTENCY_KEY);
  });
}

test("the longest ids are sent", async () => {
  const options = { requestId: "a".repeat(128), idempotencyKey: "!".repeat(255) };
  const { headers } = await sent((client) => client.execute("e", options));
  assert.deepEqual(
    [headers["x-request-id"].length, headers["x-idempotency-key"].length],
    [128, 255],
  );
});

for (const [timeout, message] of [
  [0, "timeout must be a number of milliseconds above 0"],
  [NaN, "timeout must be a number of milliseconds above 0"],
  ["5", "timeout must be a number of milliseconds above 0"],
  [
    300_001,
    "timeout (300.001 s, one try) is longer than deadline (300 s, the whole call): raise deadline too, or make it null",
  ],
]) {
  test(`a call's timeout ${timeout} is refused`, async () => {
    assert.equal(await wrong((client) => client.health({ timeout })), message);
  });
}

for (const signal of [null, {}, "x", new AbortController()]) {
  test(`a signal that is ${signal?.constructor?.name} is refused`, async () => {
    assert.equal(
      await wrong((client) => client.health({ signal })),
      "signal must be an AbortSignal",
    );
  });
}

test("a misspelt argument is refused by its name", async () => {
  assert.match(
    await wrong((client) => client.health({ input: 1 })),
    /^unknown option input: known are requestId, timeout, signal$/,
  );
  assert.match(
    await wrong((client) => client.execute("e", { inputs: 1 })),
    /^unknown option inputs: /,
  );
  assert.match(await wrong((client) => client.execute("e", { json: 1 })), /^unknown option json: /);
  assert.match(
    await wrong((client) => client.request("GET", "/x", { params: {} })),
    /^unknown option params: /,
  );
  assert.equal(await wrong((client) => client.execute("e", null)), "options must be an object");
});

test("arguments are refused before the key is asked for", async () => {
  const asked = [];
  const { client } = scripted([], { apiKey: () => asked.push(1) && KEY });
  await rejection(client.execute(""));
  assert.deepEqual(asked, []);
});
