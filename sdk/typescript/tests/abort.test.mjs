import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { ConductorClient } from "@your-org/conductor-sdk";
import {
  done,
  fakeTiming,
  KEY,
  refusal,
  rejection,
  reset,
  script,
  scripted,
  serve,
} from "./support/scripted.mjs";

const REASON = { why: "the user went away" };

test("an abort before the call sends nothing and asks for no key", async () => {
  const asked = [];
  const { client, requests } = scripted([], { apiKey: () => asked.push("key") && KEY });
  assert.equal(await rejection(client.execute("e", { signal: AbortSignal.abort(REASON) })), REASON);
  assert.deepEqual([requests, asked], [[], []]);
});

test("an abort ends a request at once, and nothing is tried again", async (t) => {
  const controller = new AbortController();
  let requests = 0;
  let closed;
  const baseURL = await serve(t, (request) => {
    requests++;
    closed = new Promise((resolve) => request.socket.on("close", resolve));
    controller.abort(REASON);
  });
  const client = new ConductorClient({ apiKey: KEY, baseURL });
  assert.equal(await rejection(client.execute("e", { signal: controller.signal })), REASON);
  await closed;
  assert.equal(requests, 1);
});

test("an abort ends a body that is being read", async (t) => {
  const controller = new AbortController();
  const baseURL = await serve(t, (_, response) => {
    response.writeHead(200, { "Content-Length": "10" });
    response.write("{");
  });
  const fetchThenAbort = async (...given) => {
    const response = await fetch(...given);
    setImmediate(() => controller.abort(REASON));
    return response;
  };
  const client = new ConductorClient({ apiKey: KEY, baseURL, fetch: fetchThenAbort });
  assert.equal(await rejection(client.execute("e", { signal: controller.signal })), REASON);
});

test("an abort ends a wait at once", { timeout: 20_000 }, async () => {
  const controller = new AbortController();
  const { fetch, requests } = script(refusal(503, "X", { "Retry-After": "59" }));
  // With real clocks: a wait that isn't ended is longer than this test may take.
  const logger = { debug() {}, info: () => setImmediate(() => controller.abort(REASON)) };
  const client = new ConductorClient({ apiKey: KEY, fetch, logger });
  assert.equal(await rejection(client.execute("e", { signal: controller.signal })), REASON);
  assert.equal(requests.length, 1);
});

test("an abort in a wait that nobody ended still stops the next try", async () => {
  const controller = new AbortController();
  const timing = fakeTiming();
  timing.sleep = async () => controller.abort(REASON);
  const { client, requests } = scripted([reset], {}, timing);
  assert.equal(await rejection(client.execute("e", { signal: controller.signal })), REASON);
  assert.equal(requests.length, 1);
});

test("an abort ends a function that is asked for the key", async () => {
  const controller = new AbortController();
  const apiKey = () => {
    setImmediate(() => controller.abort(REASON));
    return new Promise(() => {});
  };
  const { client } = scripted([], { apiKey });
  assert.equal(await rejection(client.health({ signal: controller.signal })), REASON);
});

test("an abort ends a fetch that ignores its signal", async () => {
  const controller = new AbortController();
  const fetch = () => {
    setImmediate(() => controller.abort(REASON));
    return new Promise(() => {});
  };
  const client = new ConductorClient({ apiKey: KEY, fetch });
  assert.equal(await rejection(client.health({ signal: controller.signal })), REASON);
});

test("an abort without a reason has the platform's", async () => {
  const { client } = scripted([]);
  const error = await rejection(client.health({ signal: AbortSignal.abort() }));
  assert.equal(error.name, "AbortError");
});

test("a signal that lives long keeps no listener of a call", async () => {
  const { signal } = new AbortController();
  const client = new ConductorClient({ apiKey: KEY, fetch: async () => done()(), timeout: 1000 });
  for (let i = 0; i < 1000; i++) await client.execute("e", { signal });
  const failing = scripted([refusal(503), reset, refusal(401)]);
  await rejection(failing.client.execute("e", { signal }));
  const waiting = new ConductorClient({
    apiKey: KEY,
    fetch: script(refusal(503, "X", { "Retry-After": "0" }), done()).fetch,
  });
  await waiting.execute("e", { signal });
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
