import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY, rejection, scripted, sent, setPrototype, wrong } from "./support/scripted.mjs";

for (const [name, value, message] of [
  ["Authorization", "Bearer x", "headers may not hold Authorization: that is the client's apiKey"],
  ["X-Idempotency-Key", "x", "headers may not hold X-Idempotency-Key: that is idempotencyKey"],
  ["x-request-id", "x", "headers may not hold x-request-id: that is requestId"],
  ["Host", "other.example", "headers may not hold Host: the transport sets it"],
  ["a:", "x", "headers has a name that is no header's name"],
  ["X-Own", "a\r\nX-Other: b", "headers.X-Own must be text of visible ASCII, spaces and tabs"],
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

test("a request id of another type is refused", async () => {
  assert.equal(
    await wrong((client) => client.health({ requestId: 5 })),
    "requestId must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ : / + = and -",
  );
});

const IDEMPOTENCY_KEY =
  "idempotencyKey must be 1 to 255 visible ASCII characters without a comma, or false for none";
for (const idempotencyKey of [true, null, 5]) {
  test(`the idempotency key ${idempotencyKey} is refused`, async () => {
    assert.equal(await wrong((client) => client.execute("e", { idempotencyKey })), IDEMPOTENCY_KEY);
  });
}

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

test("names that every object has are names of headers as any other", async () => {
  const given = JSON.parse('{"constructor": "1", "__proto__": "2"}');
  const { headers } = await sent((client) => client.request("GET", "/x", { headers: given }));
  assert.equal(headers.constructor, "1");
  assert.equal(Object.getOwnPropertyDescriptor(headers, "__proto__").value, "2");
});

test("json that is nested too deeply is refused", async () => {
  let deep = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assert.equal(
    await wrong((client) => client.execute("e", { input: deep })),
    "json is nested too deeply",
  );
});

test("what someone put on the prototype of all objects is no argument", async (t) => {
  setPrototype(t, { headers: { "x-own": "1" }, query: { a: "1" }, idempotencyKey: "theirs" });
  const { url, headers } = await sent((client) => client.request("POST", "/x"));
  assert.equal(url, "https://api.example.com/x");
  assert.equal(Object.hasOwn(headers, "x-own"), false);
  assert.notEqual(headers["x-idempotency-key"], "theirs");
});
