import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { APIResponseError, ConductorClient } from "@your-org/conductor-sdk";
import { answer, KEY, rejection, scripted, serve } from "./support/scripted.mjs";

const HEALTHY = { status: "healthy", authenticated: true, user: { id: "user_123", plan: "pro" } };

test("a user without a plan has none", async () => {
  const { client } = scripted([answer(200, { ...HEALTHY, user: { id: "u" } })]);
  assert.deepEqual((await client.health()).user, { id: "u", plan: null });
});

test("the output of a prototype is no output", async () => {
  const { client } = scripted([
    () => new Response('{"success": true, "__proto__": {"output": 1}}'),
  ]);
  assert.equal((await rejection(client.execute("e"))).constructor, APIResponseError);
});

test("a list is no user", async () => {
  const { client } = scripted([answer(200, { ...HEALTHY, user: [] })]);
  assert.equal((await rejection(client.health())).constructor, APIResponseError);
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

test("205 has no body", async () => {
  const { client } = scripted([answer(205)]);
  const response = await client.request("DELETE", "/x");
  assert.deepEqual([response.status, response.body], [205, null]);
});

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
