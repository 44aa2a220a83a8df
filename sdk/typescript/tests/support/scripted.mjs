import assert from "node:assert/strict";
import { createServer } from "node:http";
import { ConductorClient } from "@your-org/conductor-sdk";

export const KEY = "ba_test_0123456789abcdefSECRET";
const ORIGIN = "https://api.example.com";
/** For setEnvironment: none of the variables that the client reads is set. */
export const NO_VARIABLES = { CONDUCTOR_API_KEY: null, API_KEY: null, CONDUCTOR_BASE_URL: null };
const NOW = Date.UTC(2026, 10, 26, 12, 0, 0);

/** Clocks that only move when someone sleeps; `waits` are seconds. */
export function fakeTiming(random = 0.5) {
  const timing = {
    waits: [],
    at: 0,
    async sleep(ms) {
      timing.waits.push(ms / 1000);
      timing.at += ms;
    },
    now: () => NOW + timing.at,
    monotonic: () => timing.at,
    random: () => random,
  };
  return timing;
}

export function answer(status, body, headers = {}) {
  return () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
}

export function refusal(status, code = "SOME_CODE", headers = {}) {
  return answer(status, { success: false, error: { code, message: "what is wrong" } }, headers);
}

export const done = (output = 1) => answer(200, { success: true, output });

export function reset() {
  throw Object.assign(new TypeError("fetch failed"), {
    cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
  });
}

/** A fetch that answers from a list, and what it was asked. */
export function script(...answers) {
  const requests = [];
  const fetch = async (url, init) => {
    requests.push({ url, ...init });
    assert.ok(answers.length > 0, "one request too many");
    return answers.shift()(init);
  };
  return { fetch, requests };
}

/** A client over a scripted fetch, with clocks that stand still. */
export function scripted(answers, options = {}, timing = fakeTiming()) {
  const { fetch, requests } = script(...answers);
  const client = new ConductorClient({ apiKey: KEY, baseURL: ORIGIN, fetch, ...options }, timing);
  return { client, requests, timing };
}

/** What a promise rejects with. */
export async function rejection(promise) {
  const nothing = Symbol("nothing");
  const thrown = await promise.then(
    () => nothing,
    (error) => error,
  );
  assert.notEqual(thrown, nothing, "it did not reject");
  return thrown;
}

export function thrownBy(action) {
  try {
    action();
  } catch (error) {
    return error;
  }
  assert.fail("it did not throw");
}

/** A server on this machine that ends with the test. */
export async function serve(t, handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** Environment variables for one test; null takes one away. */
export function setEnvironment(t, variables) {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
    if (value === null) delete process.env[name];
    else process.env[name] = value;
  }
}

/** A global for one test, also one that the platform made read-only. */
export function setGlobal(t, name, value) {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  t.after(() => {
    if (before === undefined) delete globalThis[name];
    else Object.defineProperty(globalThis, name, before);
  });
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** Properties of Object.prototype for one test: what a prototype pollution elsewhere leaves behind. */
export function setPrototype(t, properties) {
  t.after(() => {
    for (const name of Object.keys(properties)) delete Object.prototype[name];
  });
  Object.assign(Object.prototype, properties);
}

/** What one call sends. */
export async function sent(call) {
  const { client, requests } = scripted([done()]);
  await call(client);
  return requests[0];
}

/** Why a call is refused before anything is sent. */
export async function wrong(call) {
  const { client, requests } = scripted([]);
  const error = await rejection(call(client));
  assert.equal(error.constructor, TypeError);
  assert.equal(requests.length, 0);
  return error.message;
}
