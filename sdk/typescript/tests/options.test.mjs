import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@your-org/conductor-sdk";
import {
  answer,
  done,
  KEY,
  NO_VARIABLES,
  refusal,
  script,
  scripted,
  setEnvironment,
  setGlobal,
  setPrototype,
  thrownBy,
} from "./support/scripted.mjs";

const { ConductorClient, ConfigurationError } = sdk;

function refused(options) {
  const error = thrownBy(() => new ConductorClient({ apiKey: KEY, ...options }));
  assert.equal(error.constructor, ConfigurationError);
  assert.ok(error instanceof Error && !(error instanceof sdk.APIError));
  return error.message;
}

async function sentTo(options) {
  const { fetch, requests } = script(answer(200));
  await new ConductorClient({ apiKey: KEY, fetch, ...options }).request("GET", "/x");
  return requests[0].url;
}

for (const [baseURL, url] of [
  [undefined, "https://api.example.com/x"],
  ["https://other.example", "https://other.example/x"],
  ["https://other.example/", "https://other.example/x"],
  ["https://Other.example:8443/v1/", "https://other.example:8443/v1/x"],
  ["http://localhost:8000", "http://localhost:8000/x"],
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000/x"],
  ["http://127.9.9.9", "http://127.9.9.9/x"],
  ["http://[::1]:8000", "http://[::1]:8000/x"],
]) {
  test(`base URL ${baseURL}`, async (t) => {
    setEnvironment(t, NO_VARIABLES);
    assert.equal(await sentTo({ baseURL }), url);
  });
}

test("CONDUCTOR_BASE_URL is taken where none is given, if it isn't empty", async (t) => {
  setEnvironment(t, { ...NO_VARIABLES, CONDUCTOR_BASE_URL: "https://env.example/p" });
  assert.equal(await sentTo({}), "https://env.example/p/x");
  assert.equal(await sentTo({ baseURL: "https://given.example" }), "https://given.example/x");
  process.env.CONDUCTOR_BASE_URL = "";
  assert.equal(await sentTo({}), "https://api.example.com/x");
  process.env.CONDUCTOR_BASE_URL = "nonsense";
  assert.ok(refused({}).startsWith("CONDUCTOR_BASE_URL is not a URL"));
});

for (const baseURL of [
  "https:api.example.com",
  "https:///x",
  "https://api.example.com?",
  "https://api.example.com#",
  " https://api.example.com",
  "https://api.example.com//b",
  null,
  5,
  new URL("https://api.example.com"),
]) {
  test(`base URL ${JSON.stringify(baseURL)} is refused`, () => {
    assert.ok(refused({ baseURL }).startsWith("baseURL "));
  });
}

for (const host of ["api.example.com", "0.0.0.0", "[::2]"]) {
  test(`plain http to ${host} only if allowed`, async () => {
    assert.equal(
      refused({ baseURL: `http://${host}` }),
      `baseURL is http://${host}: the API key would be readable on its way there. ` +
        "Use https, or set allowHTTP: true if nobody can listen",
    );
    assert.equal(await sentTo({ baseURL: `http://${host}`, allowHTTP: true }), `http://${host}/x`);
  });
}

for (const [options, message] of [
  [{ maxRetries: "2" }, "maxRetries must be a whole number, 0 or more"],
  [{ maxRetries: Infinity }, "maxRetries must be a whole number, 0 or more"],
  [{ timeout: NaN }, "timeout must be a number of milliseconds above 0"],
  [{ timeout: Infinity }, "timeout must be a number of milliseconds above 0"],
  [{ timeout: null }, "timeout must be a number of milliseconds above 0"],
  [{ timeout: "5" }, "timeout must be a number of milliseconds above 0"],
  [{ deadline: Infinity }, "deadline must be a number of milliseconds above 0"],
  [
    { deadline: 10_500 },
    "timeout (60 s, one try) is longer than deadline (10.5 s, the whole call): raise deadline too, or make it null",
  ],
  [{ allowHTTP: 1 }, "allowHTTP must be true or false"],
  [{ dangerouslyAllowBrowser: "yes" }, "dangerouslyAllowBrowser must be true or false"],
  [{ fetch: {} }, "fetch must be a function"],
  [{ logger: {} }, "logger must have the methods debug and info, as console has"],
  [{ logger: null }, "logger must have the methods debug and info, as console has"],
]) {
  test(`options ${JSON.stringify(options)} are refused`, () => {
    assert.equal(refused(options), message);
  });
}

test("a misspelt option is refused by its name", () => {
  assert.ok(
    refused({ baseUrl: "https://x.example" }).startsWith(
      "unknown option baseUrl: known are apiKey, baseURL",
    ),
  );
  for (const options of [null, "key", 5]) {
    assert.ok(thrownBy(() => new ConductorClient(options)) instanceof ConfigurationError);
  }
});

test("timeout equal to deadline, deadline null and maxRetries 0 are right", () => {
  new ConductorClient({ apiKey: KEY, timeout: 5, deadline: 5 });
  new ConductorClient({ apiKey: KEY, timeout: 1e9, deadline: null, maxRetries: 0 });
});

test("a platform without fetch is told what to do", (t) => {
  setGlobal(t, "fetch", undefined);
  assert.equal(refused({}), "there is no fetch here: use Node 18 or newer, or pass one as fetch");
  new ConductorClient({ apiKey: KEY, fetch: async () => new Response() });
});

test("the platform's fetch is the one at construction", async (t) => {
  const { fetch, requests } = script(done());
  setGlobal(t, "fetch", fetch);
  const client = new ConductorClient({ apiKey: KEY });
  setGlobal(t, "fetch", undefined);
  await client.withOptions({ maxRetries: 0 }).execute("e");
  assert.equal(requests.length, 1);
});

test("withOptions changes what is given and keeps everything else", async (t) => {
  setEnvironment(t, { ...NO_VARIABLES, CONDUCTOR_BASE_URL: "https://env.example/p" });
  const lines = [];
  const { fetch, requests } = script(refusal(503), done(), done());
  const logger = { debug: (line) => lines.push(line), info() {} };
  const first = new ConductorClient({ apiKey: "first", fetch, logger, maxRetries: 0 });
  delete process.env.CONDUCTOR_BASE_URL;
  const second = first.withOptions({ maxRetries: 1, apiKey: undefined });
  assert.ok(second instanceof ConductorClient && second !== first);
  const quick = { debug() {}, info() {} };
  await second.withOptions({ logger: quick, timeout: 1000 }).execute("e");
  await first.execute("e");
  for (const request of requests) {
    assert.equal(request.url, "https://env.example/p/execute/e");
    assert.equal(request.headers.authorization, "Bearer first");
  }
  assert.equal(lines.length, 1);
  assert.ok(thrownBy(() => first.withOptions({ timeout: 0 })) instanceof ConfigurationError);
});

test("withOptions keeps that plain http is allowed", () => {
  const client = new ConductorClient({
    apiKey: KEY,
    baseURL: "http://api.internal",
    allowHTTP: true,
  });
  client.withOptions({ maxRetries: 0 });
  assert.ok(thrownBy(() => client.withOptions({ allowHTTP: false })) instanceof ConfigurationError);
});

test("what someone put on the prototype of all objects is no option", async (t) => {
  setEnvironment(t, NO_VARIABLES);
  setPrototype(t, { baseURL: "http://other.example", allowHTTP: true, maxRetries: 0 });
  assert.equal(await sentTo({}), "https://api.example.com/x");
});
