import assert from "node:assert/strict";
import { test } from "node:test";
import { ConductorClient, ConfigurationError } from "@your-org/conductor-sdk";
import { done, KEY, scripted, setGlobal, thrownBy } from "./support/scripted.mjs";

const make = (options = {}) => new ConductorClient({ apiKey: KEY, ...options });

/** As in a browser's worker: what Node alone has is gone. */
function leaveNode(t) {
  setGlobal(t, "process", undefined);
}

test("a browser is refused, with the reason", (t) => {
  setGlobal(t, "window", { document: {} });
  const error = thrownBy(make);
  assert.equal(error.constructor, ConfigurationError);
  assert.match(error.message, /whoever opens the page can read the API key/);
  assert.match(error.message, /call the API from your server/);
  make({ dangerouslyAllowBrowser: true });
  assert.ok(thrownBy(() => make({ dangerouslyAllowBrowser: false })) instanceof ConfigurationError);
});

test("withOptions keeps that a browser is allowed", (t) => {
  setGlobal(t, "window", { document: {} });
  make({ dangerouslyAllowBrowser: true }).withOptions({ maxRetries: 0 });
});

test("a window without a document is no browser", (t) => {
  setGlobal(t, "window", {});
  make();
});

test("a browser's worker is refused", (t) => {
  setGlobal(t, "WorkerGlobalScope", class {});
  setGlobal(t, "importScripts", () => {});
  leaveNode(t);
  assert.ok(thrownBy(make) instanceof ConfigurationError);
});

for (const [name, globals] of [
  ["Cloudflare's workers", { navigator: { userAgent: "Cloudflare-Workers" } }],
  ["Deno", { Deno: { version: {} } }],
  ["Bun", { Bun: {} }],
  ["Node", { process: { versions: { node: "18.0.0" }, env: {} } }],
]) {
  test(`a worker of ${name} is no browser's`, (t) => {
    setGlobal(t, "WorkerGlobalScope", class {});
    setGlobal(t, "importScripts", () => {});
    leaveNode(t);
    for (const [global, value] of Object.entries(globals)) setGlobal(t, global, value);
    make();
  });
}

test("a platform without process has no environment", (t) => {
  leaveNode(t);
  const error = thrownBy(() => new ConductorClient());
  assert.match(error.message, /^there is no API key in the environment/);
});

const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
for (const [name, crypto, expected] of [
  ["no crypto, as Node 18", undefined, undefined],
  ["no randomUUID, as a page over http", {}, undefined],
  [
    "randomUUID",
    { randomUUID: () => "11111111-1111-4111-8111-111111111111" },
    "11111111-1111-4111-8111-111111111111",
  ],
]) {
  test(`an idempotency key is a UUID with ${name}`, async (t) => {
    setGlobal(t, "crypto", crypto);
    const { client, requests } = scripted([done(), done()]);
    await client.execute("e");
    await client.execute("e");
    const [first, second] = requests.map((request) => request.headers["x-idempotency-key"]);
    assert.match(first, UUID4);
    if (expected === undefined) assert.notEqual(first, second);
    else assert.equal(first, expected);
  });
}
