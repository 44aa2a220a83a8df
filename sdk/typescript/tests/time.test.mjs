import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { APITimeoutError, ConductorClient } from "@your-org/conductor-sdk";
import { done, fakeTiming, KEY, rejection, script, scripted, serve } from "./support/scripted.mjs";

test("a fetch that ignores its signal ends in time", async () => {
  const fetch = () => new Promise(() => {});
  const client = new ConductorClient({ apiKey: KEY, fetch, timeout: 20, maxRetries: 0 });
  assert.ok((await rejection(client.health())) instanceof APITimeoutError);
});

test("the body of an answer that comes too late is cancelled", async () => {
  let answerNow;
  const fetch = () => new Promise((resolve) => (answerNow = resolve));
  const client = new ConductorClient({ apiKey: KEY, fetch, timeout: 20, maxRetries: 0 });
  await rejection(client.health());
  await new Promise((resolve) => {
    answerNow(new Response(new ReadableStream({ cancel: resolve })));
  });
});

test("a try gets what is left of the deadline", async () => {
  const timing = fakeTiming();
  const fetch = () => new Promise(() => {});
  // Asking for the key takes 2,980 of the call's 3,000 milliseconds.
  const apiKey = () => {
    timing.at += 2980;
    return KEY;
  };
  const client = new ConductorClient({ apiKey, fetch, timeout: 1000, deadline: 3000 }, timing);
  const error = await rejection(client.health());
  assert.equal(error.message, "no complete answer from https://api.example.com within 0.02 s");
});

test("a function that takes the whole deadline for the key ends the call", async () => {
  const { client, requests } = scripted([], {
    apiKey: () => new Promise(() => {}),
    timeout: 20,
    deadline: 20,
  });
  const error = await rejection(client.execute("e"));
  assert.ok(error instanceof APITimeoutError);
  assert.equal(error.message, "no complete answer from https://api.example.com within 0.02 s");
  assert.equal(requests.length, 0);
});

test("a limit longer than a timer can be is no limit of a millisecond", async (t) => {
  const baseURL = await serve(t, (_, response) => {
    setTimeout(() => response.end('{"success": true, "output": 5}'), 20);
  });
  const client = new ConductorClient({ apiKey: KEY, baseURL, timeout: 2 ** 40, deadline: null });
  assert.equal((await client.execute("e")).output, 5);
});

test("a process ends when its last call has ended", async () => {
  const program = `
    import { ConductorClient } from "@your-org/conductor-sdk";
    const fetch = async () => new Response('{"success": true, "output": 1}');
    const client = new ConductorClient({ apiKey: "k", fetch, timeout: 3600_000, deadline: null });
    const { signal } = new AbortController();
    console.log((await client.execute("e", { signal })).output);
    await new ConductorClient({ apiKey: "k", fetch: async () => { throw new Error("x") }, maxRetries: 0 })
      .health().catch((error) => console.log(error.name));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "-e", program],
    { cwd: fileURLToPath(new URL("..", import.meta.url)), timeout: 60_000 },
  );
  assert.equal(stdout, "1\nAPIConnectionError\n");
});

test("the answers of tries that failed are read to their end: no connection stays busy", async () => {
  const answers = [429, 503, 302].map((status) => new Response("x".repeat(100_000), { status }));
  const { client } = scripted(answers.map((response) => () => response));
  await rejection(client.execute("e"));
  assert.deepEqual(
    answers.map((response) => response.bodyUsed),
    [true, true, true],
  );
});

test("fetch is called as a plain function, with what it may do", async () => {
  const { fetch, requests } = script(done());
  let self = "not called";
  const client = new ConductorClient({
    apiKey: KEY,
    fetch: function (...given) {
      self = this;
      return fetch(...given);
    },
  });
  await client.execute("e");
  assert.equal(self, undefined);
  assert.equal(requests[0].redirect, "manual");
  assert.ok(requests[0].signal instanceof AbortSignal);
});
