import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { APIResponseError, ConductorClient } from "@your-org/conductor-sdk";
import { answer, KEY, rejection, scripted, serve } from "./support/scripted.mjs";

const HEALTHY = { status: "healthy", authenticated: true, user: { id: "user_123", plan: "pro" } };

test("health has what is documented", async () => {
  const { client } = scripted([answer(200, { ...HEALTHY, more: 1 }, { "X-Request-ID": "r-1" })]);
  const { response, ...health } = await client.health();
  assert.deepEqual(health, { ...HEALTHY, requestId: "r-1" });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { ...HEALTHY, more: 1 });
});

test("a user without a plan has none", async () => {
  const { client } = scripted([answer(200, { ...HEALTHY, user: { id: "u" } })]);
  assert.deepEqual((await client.health()).user, { id: "u", plan: null });
});

for (const output of [null, 0, "", [1], { a: 1 }]) {
  test(`an execution has the output ${JSON.stringify(output)}`, async () => {
    const { client } = scripted([answer(200, { success: true, output })]);
    const execution = await client.execute("e", { requestId: "mine" });
    assert.deepEqual(execution.output, output);
    assert.deepEqual([execution.replayed, execution.requestId], [false, "mine"]);
  });
}

for (const [header, replayed] of [
  ["true", true],
  ["false", false],
  ["1", false],
  ["", false],
]) {
  test(`Idempotent-Replayed: ${header} means ${replayed}`, async () => {
    const { client } = scripted([
      answer(200, { success: true, output: 1 }, { "Idempotent-Replayed": header }),
    ]);
    assert.equal((await client.execute("e")).replayed, replayed);
  });
}

const page = () =>
  new Response("<html>", { headers: { "Content-Type": "text/html; charset=utf-8" } });
const raw = (body) => () => new Response(Buffer.from(body, "latin1"));
for (const [name, respond] of [
  ["a page", page],
  ["nothing", raw("")],
  ["half of it", raw('{"success": true, "outp')],
  ["NaN", raw('{"success": true, "output": NaN}')],
  ["broken UTF-8", raw('{"success": true, "output": "\xff"}')],
  ["a list", raw('[{"success": true, "output": 1}]')],
  ["null", raw("null")],
  ["no output", raw('{"success": true}')],
  ["success false", raw('{"success": false, "output": 1}')],
  ["success 1", raw('{"success": 1, "output": 1}')],
  ["the output of a prototype", raw('{"success": true, "__proto__": {"output": 1}}')],
  ["204", answer(204)],
]) {
  test(`${name} is no execution`, async () => {
    const { client } = scripted([respond]);
    const error = await rejection(client.execute("e", { idempotencyKey: "i-1", requestId: "r-1" }));
    assert.equal(error.constructor, APIResponseError);
    assert.deepEqual([error.code, error.idempotencyKey, error.requestId], [null, "i-1", "r-1"]);
    const status = name === "204" ? 204 : 200;
    const type = name === "a page" ? "Content-Type: text/html" : "no Content-Type";
    assert.equal(
      error.message,
      `HTTP ${status}, but the body is not the documented JSON (${type}): a proxy or another server may have answered`,
    );
    assert.equal(error.response.status, status);
  });
}

for (const body of [
  {},
  { ...HEALTHY, status: 1 },
  { ...HEALTHY, authenticated: "yes" },
  { ...HEALTHY, user: null },
  { ...HEALTHY, user: [] },
  { ...HEALTHY, user: { id: 5, plan: "pro" } },
  { ...HEALTHY, user: { id: "u", plan: 5 } },
]) {
  test(`${JSON.stringify(body)} is no health`, async () => {
    const { client } = scripted([answer(200, body)]);
    assert.equal((await rejection(client.health())).constructor, APIResponseError);
  });
}

test("JSON with a byte order mark is read", async () => {
  const { client } = scripted([() => new Response('\ufeff{"success": true, "output": 1}')]);
  assert.equal((await client.execute("e")).output, 1);
});

test("a request gives the answer as it is", async () => {
  const { client } = scripted([
    () => new Response("a,b", { status: 201, headers: { "Content-Type": "text/csv" } }),
  ]);
  const response = await client.request("GET", "/x");
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, response.headers.get("Content-Type")], [201, "text/csv"]);
  assert.equal(await response.text(), "a,b");
});

for (const status of [204, 205]) {
  test(`${status} has no body`, async () => {
    const { client } = scripted([answer(status)]);
    const response = await client.request("DELETE", "/x");
    assert.deepEqual([response.status, response.body], [status, null]);
  });
}

test("304 is an error with no body", async () => {
  const { client } = scripted([answer(304)]);
  const { response } = await rejection(client.request("GET", "/x"));
  assert.deepEqual([response.status, response.body], [304, null]);
});

test("a compressed answer is decoded, and its headers say no other length", async (t) => {
  const body = gzipSync(JSON.stringify({ success: true, output: "x".repeat(1000) }));
  const baseURL = await serve(t, (_, response) => {
    response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": body.length });
    response.end(body);
  });
  const { output, response } = await new ConductorClient({ apiKey: KEY, baseURL }).execute("e");
  assert.equal(output.length, 1000);
  assert.equal(response.headers.get("Content-Encoding"), null);
  assert.equal(response.headers.get("Content-Length"), null);
  assert.equal((await response.json()).output.length, 1000);
});

test("a HEAD keeps the length that it asked for", async (t) => {
  const baseURL = await serve(t, (_, response) => {
    response.writeHead(200, { "Content-Length": "1234" });
    response.end();
  });
  const response = await new ConductorClient({ apiKey: KEY, baseURL }).request("HEAD", "/x");
  assert.equal(response.headers.get("Content-Length"), "1234");
  assert.equal(await response.text(), "");
});

test("a reason phrase that a Response can't have is left out", async () => {
  const strange = {
    status: 200,
    statusText: "caf\u2713",
    headers: new Headers(),
    arrayBuffer: async () => new ArrayBuffer(0),
  };
  const { client } = scripted([() => strange]);
  assert.equal((await client.request("GET", "/x")).statusText, "");
});
