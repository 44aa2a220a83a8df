import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ConductorClient } from "@your-org/conductor-sdk";
import { answer, done, KEY, rejection, scripted, thrownBy } from "./support/scripted.mjs";

/** All text that can be reached from a value, through whatever properties it has. */
function everything(value, seen = new Set()) {
  if (typeof value === "string") return value;
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return "";
  if (seen.has(value)) return "";
  seen.add(value);
  const parts = [inspect(value, { showHidden: true, depth: null, getters: false })];
  for (const name of Reflect.ownKeys(value)) {
    let inner;
    try {
      inner = value[name];
    } catch {
      continue;
    }
    parts.push(String(name), everything(inner, seen));
  }
  if (value instanceof Headers) parts.push(...[...value].flat());
  if (value instanceof Response) parts.push(everything(value.headers, seen));
  return parts.join("\n");
}

const CLIENTS = [
  ["a string", () => new ConductorClient({ apiKey: KEY })],
  ["withOptions", () => new ConductorClient({ apiKey: KEY }).withOptions({ maxRetries: 1 })],
];
for (const [name, make] of CLIENTS) {
  test(`nothing that can be printed of a client holds the key: ${name}`, () => {
    const client = make();
    assert.ok(!everything(client).includes(KEY));
    assert.ok(!inspect(client, { showHidden: true, depth: null, showProxy: true }).includes(KEY));
    assert.equal(JSON.stringify(client), "{}");
    assert.deepEqual(structuredClone(client), {});
    assert.equal(String(client), "[object Object]");
  });
}

const echo = {
  "X-Debug": `Bearer ${KEY}`,
  "X-Request-ID": KEY,
  Location: `https://${KEY.toLowerCase()}.example/`,
};
const ANSWERS = [
  [
    "an envelope",
    answer(400, { success: false, error: { code: KEY, message: `no: ${KEY}` } }, echo),
  ],
  [
    "a page",
    () =>
      new Response("<html>", {
        status: 502,
        headers: { ...echo, "Content-Type": `text/${KEY.slice(0, 30)}` },
      }),
  ],
  ["a success that isn't one", () => new Response("[]", { headers: echo })],
  ["a redirect", answer(302, undefined, { Location: `https://${KEY}.example/` })],
  ["a status line", () => new Response(null, { status: 500, statusText: KEY })],
];
for (const [name, respond] of ANSWERS) {
  test(`no error holds the key that a server sent back: ${name}`, async () => {
    const { client } = scripted([respond], { maxRetries: 0 });
    const error = await rejection(client.execute("e"));
    assert.ok(!everything(error).includes(KEY));
    assert.ok(!String(error).includes(KEY));
  });
}

test("no error holds the key that fetch threw", async () => {
  const inner = Object.assign(new Error(`header: Bearer ${KEY}`), { code: KEY, name: KEY });
  const thrown = Object.assign(new TypeError("fetch failed"), {
    cause: inner,
    config: { headers: { authorization: `Bearer ${KEY}` } },
  });
  const { client } = scripted(
    [
      () => {
        throw thrown;
      },
    ],
    { maxRetries: 0 },
  );
  const error = await rejection(client.execute("e"));
  assert.equal(
    error.message,
    "no complete answer from https://api.example.com: header: Bearer [redacted]",
  );
  assert.ok(!everything(error).includes(KEY));
  assert.ok(!everything(error.cause).includes(KEY));
});

test("a circle of causes ends", async () => {
  const thrown = new Error("round");
  thrown.cause = thrown;
  const { client } = scripted([() => Promise.reject(thrown)], { maxRetries: 0 });
  assert.equal(
    (await rejection(client.health())).message,
    "no complete answer from https://api.example.com: round",
  );
});

test("a result's headers hold no key that a server sent back", async () => {
  const { client } = scripted([
    () => new Response('{"success": true, "output": 1}', { headers: { "X-Debug": `a ${KEY}` } }),
  ]);
  const { response } = await client.execute("e");
  assert.equal(response.headers.get("X-Debug"), "a [redacted]");
});

test("the log holds no key", async () => {
  const lines = [];
  const log = (line) => lines.push(line);
  const { client } = scripted(
    [
      answer(503, { success: false, error: { code: KEY, message: KEY } }, { "X-Request-ID": KEY }),
      done(),
    ],
    { logger: { debug: log, info: log } },
  );
  await client.execute("e");
  assert.equal(lines.length, 3);
  assert.ok(!lines.join("\n").includes(KEY));
});

for (const [name, wrong] of [
  ["Bearer", `Bearer ${KEY}`],
  ["newline", `${KEY}\n`],
  ["space", ` ${KEY}`],
  ["character", `${KEY}ü`],
  ["length", KEY.repeat(200)],
  ["type", { [KEY]: KEY }],
]) {
  test(`the error of a malformed key doesn't tell it: ${name}`, async () => {
    const atConstruction = thrownBy(() => new ConductorClient({ apiKey: wrong }));
    const { client } = scripted([], { apiKey: () => wrong });
    for (const error of [atConstruction, await rejection(client.health())]) {
      assert.equal(error.name, "ConfigurationError");
      assert.ok(!everything(error).includes(KEY));
    }
  });
}

test("a base URL with a password is refused without telling it", () => {
  for (const baseURL of [
    "https://user:s3cret@api.example.com",
    "https://api.example.com?key=s3cret",
    "s3cret",
  ]) {
    const error = thrownBy(() => new ConductorClient({ apiKey: KEY, baseURL }));
    assert.ok(!everything(error).includes("s3cret"));
  }
});
