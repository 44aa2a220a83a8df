import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@your-org/conductor-sdk";
import {
  answer,
  done,
  fakeTiming,
  refusal,
  rejection,
  reset,
  scripted,
} from "./support/scripted.mjs";

for (const status of [408, 429, 500, 502, 503, 504]) {
  test(`${status} is tried again, with a wait that doubles`, async () => {
    const { client, timing, requests } = scripted([refusal(status), refusal(status), done("ok")]);
    assert.equal((await client.execute("e")).output, "ok");
    assert.deepEqual(timing.waits, [0.25, 0.5]);
    assert.equal(requests.length, 3);
  });
}

for (const status of [301, 302, 400, 401, 403, 404, 409, 410, 413, 415, 418, 422, 501, 505]) {
  test(`${status} is not tried again`, async () => {
    const { client, timing, requests } = scripted([refusal(status)]);
    assert.equal((await rejection(client.execute("e"))).status, status);
    assert.deepEqual([timing.waits, requests.length], [[], 1]);
  });
}

test("a lost connection is tried again", async () => {
  const { client, timing } = scripted([reset, done("ok")]);
  assert.equal((await client.execute("e")).output, "ok");
  assert.deepEqual(timing.waits, [0.25]);
});

test("the last error is thrown when the retries are used up", async () => {
  const { client, requests } = scripted([reset, refusal(503), refusal(500, "LAST")]);
  const error = await rejection(client.execute("e"));
  assert.equal(error.code, "LAST");
  assert.equal(requests.length, 3);
});

test("maxRetries 0 tries once", async () => {
  const { client, requests } = scripted([refusal(503)], { maxRetries: 0 });
  assert.ok((await rejection(client.health())) instanceof sdk.ServiceUnavailableError);
  assert.equal(requests.length, 1);
});

test("the wait stops doubling at eight seconds", async () => {
  const answers = [...Array(7).fill(refusal(503)), done()];
  const { client, timing } = scripted(
    answers,
    { maxRetries: 7, deadline: null },
    fakeTiming(1 - 2 ** -20),
  );
  await client.execute("e");
  assert.deepEqual(
    timing.waits.map((wait) => Math.round(wait * 100) / 100),
    [0.5, 1, 2, 4, 8, 8, 8],
  );
});

test("Retry-After in seconds is obeyed in place of the back-off", async () => {
  const { client, timing } = scripted([refusal(429, "X", { "Retry-After": "7" }), done()]);
  await client.execute("e");
  assert.deepEqual(timing.waits, [7]);
});

test("60 seconds are waited, 61 are not", async () => {
  const long = scripted([refusal(503, "X", { "Retry-After": "60" }), done()]);
  await long.client.execute("e");
  assert.deepEqual(long.timing.waits, [60]);
  const longer = scripted([refusal(503, "X", { "Retry-After": "61" })]);
  const error = await rejection(longer.client.execute("e"));
  assert.equal(error.retryAfter, 61);
  assert.deepEqual(longer.timing.waits, []);
});

test("409 is tried again only where the API says when", async () => {
  const { client, timing } = scripted([
    refusal(409, "IDEMPOTENCY_CONFLICT", { "Retry-After": "2" }),
    refusal(409, "IDEMPOTENCY_CONFLICT", { "Retry-After": "soon" }),
  ]);
  const error = await rejection(client.execute("e"));
  assert.ok(error instanceof sdk.ConflictError);
  assert.equal(error.retryAfter, null);
  assert.deepEqual(timing.waits, [2]);
});

test("an answer from memory is not asked for again", async () => {
  const { client, requests } = scripted([refusal(500, "X", { "Idempotent-Replayed": "true" })]);
  assert.equal((await rejection(client.execute("e"))).status, 500);
  assert.equal(requests.length, 1);
});

test("a success that isn't the documented JSON is not tried again", async () => {
  const { client, requests } = scripted([() => new Response("<html>")]);
  assert.ok((await rejection(client.execute("e"))) instanceof sdk.APIResponseError);
  assert.equal(requests.length, 1);
});

test("a POST has the same idempotency key and body on each try", async () => {
  const { client, requests } = scripted([refusal(503), reset, done()]);
  await client.execute("e", { input: { a: 1 } });
  const keys = requests.map((request) => request.headers["x-idempotency-key"]);
  assert.match(keys[0], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(keys, [keys[0], keys[0], keys[0]]);
  for (const { body } of requests) {
    assert.equal(new TextDecoder().decode(body), '{"input":{"a":1}}');
  }
});

test("two calls have two idempotency keys", async () => {
  const { client, requests } = scripted([done(), done()]);
  await client.execute("e");
  await client.execute("e");
  assert.notEqual(
    requests[0].headers["x-idempotency-key"],
    requests[1].headers["x-idempotency-key"],
  );
});

test("a POST without an idempotency key is tried once", async () => {
  const { client, requests } = scripted([refusal(503)]);
  const error = await rejection(client.execute("e", { idempotencyKey: false }));
  assert.equal(error.idempotencyKey, null);
  assert.equal(requests.length, 1);
  assert.ok(!("x-idempotency-key" in requests[0].headers));
});

for (const method of ["GET", "HEAD", "OPTIONS"]) {
  test(`${method} is tried again and has no idempotency key unless given`, async () => {
    const { client, requests } = scripted([refusal(503), answer(200), answer(200)]);
    await client.request(method, "/x", { idempotencyKey: false });
    assert.equal(requests.length, 2);
    assert.ok(!("x-idempotency-key" in requests[1].headers));
    await client.request(method, "/x", { idempotencyKey: "mine" });
    assert.equal(requests[2].headers["x-idempotency-key"], "mine");
  });
}

for (const method of ["PUT", "PATCH", "DELETE"]) {
  test(`${method} gets an idempotency key by itself`, async () => {
    const { client, requests } = scripted([answer(204)]);
    await client.request(method, "/x");
    assert.equal(requests[0].headers["x-idempotency-key"].length, 36);
  });
}

test("the deadline ends the call where the wait would reach it", async () => {
  const options = { timeout: 1000, deadline: 3000 };
  const reached = scripted([refusal(429, "X", { "Retry-After": "3" })], options);
  assert.ok((await rejection(reached.client.execute("e"))) instanceof sdk.RateLimitError);
  assert.deepEqual(reached.timing.waits, []);
  const fits = scripted(
    [refusal(429, "X", { "Retry-After": "2" }), refusal(429, "X", { "Retry-After": "1" })],
    options,
  );
  assert.equal((await rejection(fits.client.execute("e"))).retryAfter, 1);
  assert.deepEqual(fits.timing.waits, [2]);
});

test("without a deadline each wait is taken", async () => {
  const slow = () => refusal(503, "X", { "Retry-After": "60" });
  const { client, timing } = scripted([...Array(9).fill(slow()), done()], {
    maxRetries: 9,
    deadline: null,
  });
  await client.execute("e");
  assert.equal(timing.at, 540_000);
});

test("a timer that comes after the deadline brings the last error and no further try", async () => {
  const timing = fakeTiming();
  timing.sleep = async () => {
    timing.at += 5000;
  };
  const { client, requests } = scripted([refusal(503)], { timeout: 1000, deadline: 3000 }, timing);
  assert.equal((await rejection(client.execute("e"))).status, 503);
  assert.equal(requests.length, 1);
});

test("a rotated key is used by the next try", async () => {
  const keys = ["k1", "k2"];
  const { client, requests } = scripted([refusal(503), done()], {
    apiKey: async () => keys.shift(),
  });
  await client.execute("e");
  assert.deepEqual(
    requests.map((request) => request.headers.authorization),
    ["Bearer k1", "Bearer k2"],
  );
});

test("what is logged: each try, each retry, no query", async () => {
  const lines = [];
  const logger = {
    debug: (line) => lines.push(`debug ${line}`),
    info: (line) => lines.push(`info ${line}`),
  };
  const { client } = scripted(
    [
      refusal(429, "RATE_LIMITED", { "Retry-After": "1", "X-Request-ID": "r1" }),
      reset,
      () => new Response("<html>", { status: 502 }),
      answer(200, {}),
    ],
    { logger, maxRetries: 3 },
  );
  await client.request("POST", "/x", { query: { secret: "s3cret" }, json: { private: 1 } });
  assert.deepEqual(lines, [
    "debug POST https://api.example.com/x: 429 in 0.000 s (request id r1)",
    "info POST https://api.example.com/x: 429 RATE_LIMITED; trying again in 1.00 s (1 of 3)",
    "debug POST https://api.example.com/x: APIConnectionError in 0.000 s",
    "info POST https://api.example.com/x: APIConnectionError; trying again in 0.50 s (2 of 3)",
    "debug POST https://api.example.com/x: 502 in 0.000 s",
    "info POST https://api.example.com/x: 502; trying again in 1.00 s (3 of 3)",
    "debug POST https://api.example.com/x: 200 in 0.000 s",
  ]);
});
