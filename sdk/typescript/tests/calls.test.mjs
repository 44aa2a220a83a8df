import assert from "node:assert/strict";
import { test } from "node:test";
import { ConductorClient } from "@your-org/conductor-sdk";
import { answer, KEY, scripted, sent, serve, wrong } from "./support/scripted.mjs";

const text = (request) => new TextDecoder().decode(request.body);

test("health is a GET with the key and nothing more", async () => {
  const { client, requests } = scripted([
    answer(200, { status: "healthy", authenticated: true, user: { id: "u", plan: "pro" } }),
  ]);
  await client.health();
  const { url, method, headers, body } = requests[0];
  assert.deepEqual([method, url, body], ["GET", "https://api.example.com/health", undefined]);
  assert.deepEqual(headers, {
    accept: "application/json",
    "user-agent": "conductor-sdk-typescript/0.1.0",
    authorization: `Bearer ${KEY}`,
  });
});

test("execute is a POST of the input", async () => {
  const request = await sent((client) =>
    client.execute("your-ensemble", {
      input: { a: ["ü"] },
      idempotencyKey: "i-1",
      requestId: "r-1",
    }),
  );
  assert.deepEqual(
    [request.method, request.url],
    ["POST", "https://api.example.com/execute/your-ensemble"],
  );
  assert.equal(text(request), '{"input":{"a":["ü"]}}');
  assert.deepEqual(request.headers, {
    accept: "application/json",
    "user-agent": "conductor-sdk-typescript/0.1.0",
    "content-type": "application/json",
    "x-request-id": "r-1",
    "x-idempotency-key": "i-1",
    authorization: `Bearer ${KEY}`,
  });
});

for (const [options, body] of [
  [{ input: undefined }, '{"input":null}'],
  [{ input: 0 }, '{"input":0}'],
  [{ input: false }, '{"input":false}'],
]) {
  test(`execute with ${JSON.stringify(options)} sends ${body}`, async () => {
    assert.equal(text(await sent((client) => client.execute("e", options))), body);
  });
}

for (const ensemble of [undefined, null, 5, "\ud800"]) {
  test(`the ensemble ${JSON.stringify(ensemble)} is refused`, async () => {
    assert.match(await wrong((client) => client.execute(ensemble)), /^ensemble must be /);
  });
}

for (const path of ["/\u0000", undefined, null, 5]) {
  test(`the path ${JSON.stringify(path)} is refused`, async () => {
    assert.match(await wrong((client) => client.request("GET", path)), /^path must /);
  });
}

for (const path of [
  "/",
  "/a",
  "/a/",
  "/a//b",
  "/a/...",
  "/.well-known/x",
  "/a%20b",
  "/a;b=1,2",
  "/@:x",
]) {
  test(`the path ${path} is sent as it is`, async () => {
    const request = await sent((client) => client.request("GET", path));
    assert.equal(request.url, `https://api.example.com${path}`);
  });
}

for (const method of ["CONNECT", "TRACE", undefined, 5]) {
  test(`the method ${JSON.stringify(method)} is refused`, async () => {
    assert.equal(
      await wrong((client) => client.request(method, "/x")),
      'method must be one of HTTP in capitals, such as "POST"',
    );
  });
}

test("a query is percent-encoded, lists repeat their name, undefined is left out", async () => {
  const query = {
    a: "x y&z",
    n: 1.5,
    yes: true,
    no: false,
    list: ["1", "2"],
    none: undefined,
    empty: "",
  };
  const request = await sent((client) => client.request("GET", "/x", { query }));
  assert.equal(
    request.url,
    "https://api.example.com/x?a=x+y%26z&n=1.5&yes=true&no=false&list=1&list=2&empty=",
  );
  const bare = await sent((client) =>
    client.request("GET", "/x", { query: { a: undefined, b: [] } }),
  );
  assert.equal(bare.url, "https://api.example.com/x");
});

for (const value of [NaN, Infinity, null, {}, [null], Symbol("x"), () => {}]) {
  test(`a query value ${String(value?.constructor?.name)} ${String(value?.toString?.())} is refused`, async () => {
    assert.match(
      await wrong((client) => client.request("GET", "/x", { query: { a: value } })),
      /^query\.a must be/,
    );
  });
}

test("a body is sent as it is, and says itself what it is", async () => {
  const headers = { "Content-Type": "text/csv", ACCEPT: "text/csv", "X-Own": "a b" };
  const request = await sent((client) => client.request("PUT", "/x", { body: "a,ü", headers }));
  assert.equal(text(request), "a,ü");
  assert.equal(request.headers["content-type"], "text/csv");
  assert.equal(request.headers["accept"], "text/csv");
  assert.equal(request.headers["x-own"], "a b");
});

test("a body without a Content-Type gets none on the wire", async (t) => {
  let received;
  const baseURL = await serve(t, async (request, response) => {
    let body = "";
    for await (const block of request) body += block;
    received = {
      type: request.headers["content-type"],
      length: request.headers["content-length"],
      body,
    };
    response.end("{}");
  });
  await new ConductorClient({ apiKey: KEY, baseURL }).request("POST", "/x", { body: "text" });
  assert.deepEqual(received, { type: undefined, length: "4", body: "text" });
});

test("bytes are copied: each try sends the same", async () => {
  const body = new Uint8Array([1, 2, 3]);
  const change = (init) => {
    body[0] = 9;
    return answer(503)(init);
  };
  const { client, requests } = scripted([change, answer(200)]);
  await client.request("POST", "/x", { body });
  assert.deepEqual([...requests[1].body], [1, 2, 3]);
});

test("json null is a body, json undefined is none", async () => {
  assert.equal(text(await sent((client) => client.request("POST", "/x", { json: null }))), "null");
  const none = await sent((client) => client.request("POST", "/x", { json: undefined }));
  assert.equal(none.body, undefined);
  assert.ok(!("content-type" in none.headers));
});

const round = {};
round.round = round;
for (const [name, options] of [
  ["json and body", { json: 1, body: "1" }],
  ["a function as json", { json: () => {} }],
  ["a bigint as json", { json: { a: 1n } }],
  ["a circle as json", { json: round }],
  ["an object as body", { body: {} }],
  ["a stream as body", { body: new ReadableStream() }],
  ["null as body", { body: null }],
]) {
  test(`${name} is refused`, async () => {
    await wrong((client) => client.request("POST", "/x", options));
  });
}

for (const method of ["GET", "HEAD"]) {
  test(`a ${method} has no body`, async () => {
    assert.equal(
      await wrong((client) => client.request(method, "/x", { json: 1 })),
      `a ${method} has no body: use query`,
    );
  });
}
