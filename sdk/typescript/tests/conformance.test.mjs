// Each row of sdk/conformance/ against the scripted server.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

import * as sdk from "@your-org/conductor-sdk";

const FOLDER = fileURLToPath(new URL("../../conformance/", import.meta.url));
const PYTHON = process.env.PYTHON ?? "python3";
const KEY = "conformance-key-1";
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const rows = JSON.parse(execFileSync(PYTHON, [`${FOLDER}rows.py`], { maxBuffer: 2 ** 26 }));

let server;
let origins;

before(async () => {
  server = spawn(PYTHON, [`${FOLDER}server.py`], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  origins = JSON.parse(line);
  for (const name of Object.keys(process.env)) {
    if (/^(CONDUCTOR_|API_KEY)/.test(name)) delete process.env[name];
  }
});

after(async () => {
  server.stdin.end();
  const [code] = await once(server, "exit");
  assert.equal(code, 0);
});

async function control(path, body) {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(origins.api + path, init);
  assert.equal(response.status, 200);
  return response.json();
}

/** Waits are written down, in seconds, and only move the clocks. */
function recordingTiming(row, afterWait) {
  const waits = [];
  const chances = [...(row.random ?? [0.5])];
  const now = Date.parse(row.now ?? "Thu, 26 Nov 2026 12:00:00 GMT");
  const slept = () => waits.reduce((sum, seconds) => sum + seconds * 1000, 0);
  return {
    waits,
    async sleep(ms) {
      waits.push(ms / 1000);
      afterWait();
    },
    now: () => now + slept(),
    monotonic: () => performance.now() + slept(),
    random: () => (chances.length > 1 ? chances.shift() : chances[0]),
  };
}

const milliseconds = (seconds) => (typeof seconds === "number" ? seconds * 1000 : seconds);

function clientOptions(row, fill, logger) {
  const given = { timeout: 5, base_url: "{api}/{id}", ...row.options };
  const options = { logger, baseURL: fill(given.base_url), timeout: milliseconds(given.timeout) };
  if ("max_retries" in given) options.maxRetries = given.max_retries;
  if ("deadline" in given) options.deadline = milliseconds(given.deadline);
  if ("api_keys" in given) {
    const left = [...given.api_keys];
    options.apiKey = () => left.shift();
  } else if ("api_key" in given) options.apiKey = given.api_key;
  else if (!("env" in row)) options.apiKey = KEY;
  return options;
}

function invoke(client, { do: what, ensemble, method, path, ...rest }) {
  const options = {};
  const names = {
    idempotency_key: "idempotencyKey",
    request_id: "requestId",
    content: "body",
    params: "query",
  };
  for (const [name, value] of Object.entries(rest)) options[names[name] ?? name] = value;
  if ("timeout" in options) options.timeout = milliseconds(options.timeout);
  if (what === "health") return client.health(options);
  if (what === "execute") return client.execute(ensemble, options);
  return client.request(method, path, options);
}

function keysOf({ options = {}, env = {}, env_after_wait: later = {} }) {
  const fixed = [options.api_key ?? KEY, ...(options.api_keys ?? [])];
  return [...fixed, ...Object.values(env), ...Object.values(later)];
}

/** The fields of what is expected, which are null where the SDK's are. */
const NAMES = { request_id: "requestId", retry_after: "retryAfter", idempotency_key: "idempotencyKey" };

class Run {
  constructor(row) {
    this.row = row;
    this.id = randomUUID();
    this.lines = [];
    this.places = { ...origins, id: this.id };
    this.fill = this.fill.bind(this);
  }

  fill(value) {
    if (typeof value !== "string") return value;
    return value.replace(/\{(api|other|closed|id)\}/g, (_, name) => this.places[name]);
  }

  async run() {
    const { row } = this;
    await control("/_/script", { id: this.id, answers: row.answers });
    const log = (level) => (text) => this.lines.push({ level, text });
    const logger = { debug: log("debug"), info: log("info") };
    Object.assign(process.env, row.env);
    this.timing = recordingTiming(row, () => Object.assign(process.env, row.env_after_wait));
    try {
      const options = clientOptions(row, this.fill, logger);
      this.client = new sdk.ConductorClient(options, this.timing);
      this.result = await invoke(this.client, row.call);
    } catch (error) {
      this.error = error;
    } finally {
      for (const name of Object.keys({ ...row.env, ...row.env_after_wait })) delete process.env[name];
    }
  }

  same(expected, actual, what) {
    if (expected === "{uuid4}") {
      assert.match(actual, UUID4, what);
      this.bound ??= actual;
      assert.equal(actual, this.bound, what);
    } else assert.deepEqual(actual, this.fill(expected), what);
  }

  async check() {
    const { expect } = this.row;
    const seen = await control(`/_/seen?id=${this.id}`);
    if (expect.error === undefined && this.error !== undefined) throw this.error;
    assert.deepEqual(seen.other, []);
    await this.checkOutcome(expect);
    assert.equal(seen.requests.length, expect.tries, "tries");
    const { waits } = this.timing;
    assert.equal(waits.length, expect.waits.length, `waits: ${waits}`);
    waits.forEach((wait, i) => assert.ok(Math.abs(wait - expect.waits[i]) < 1e-9, `waits: ${waits}`));
    seen.requests.forEach((request, i) => {
      this.checkRequest(expect.every_request ?? {}, request);
      this.checkRequest(expect.requests?.[i] ?? {}, request);
    });
    for (const level of ["info", "debug"]) {
      if (level in expect) this.checkLines(level, expect[level]);
    }
    this.checkLeaks();
  }

  async checkOutcome({ result = {}, error }) {
    for (const [name, value] of Object.entries(result)) {
      if (name === "http_status") assert.equal(this.result.status, value);
      else if (name === "json") assert.deepEqual(await this.result.clone().json(), value);
      else if (name === "text") assert.equal(await this.result.clone().text(), value);
      else this.same(value, this.result[NAMES[name] ?? name], name);
    }
    if (error === undefined) return;
    const { type, message_starts: starts, ...fields } = error;
    assert.ok(this.error instanceof Error, `${type} expected`);
    const expected = type === "ArgumentError" ? TypeError : sdk[type];
    assert.equal(this.error.constructor, expected, `${this.error}`);
    assert.equal(this.error.name, expected.name);
    if (starts !== undefined) {
      assert.ok(this.error.message.startsWith(this.fill(starts)), this.error.message);
    }
    for (const [name, value] of Object.entries(fields)) {
      // limit, remaining and reset are of some classes only
      this.same(value, this.error[NAMES[name] ?? name], name);
    }
  }

  checkRequest(expected, request) {
    const headers = new Map(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
    assert.equal(headers.size, request.headers.length);
    const allowed = keysOf(this.row).map((key) => `Bearer ${key}`);
    assert.ok(allowed.includes(headers.get("authorization")), "authorization");
    assert.match(headers.get("user-agent"), /^conductor-sdk-typescript\//);
    for (const [name, value] of Object.entries(expected.headers ?? {})) {
      this.same(value, headers.get(name.toLowerCase()), name);
    }
    for (const name of expected.absent ?? []) assert.ok(!headers.has(name.toLowerCase()), name);
    for (const name of ["method", "path", "query", "body"]) {
      if (name in expected) assert.deepEqual(request[name], expected[name]);
    }
    if ("json" in expected) assert.deepEqual(JSON.parse(request.body), expected.json);
  }

  checkLines(level, expected) {
    const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const lines = this.lines.filter((line) => line.level === level).map(({ text }) => text);
    assert.equal(lines.length, expected.length, lines.join("\n"));
    lines.forEach((line, i) => {
      const parts = this.fill(expected[i]).split("{seconds}").map(escaped);
      assert.match(line, new RegExp(`^${parts.join("[0-9]+\\.[0-9]{3}")}$`));
    });
  }

  checkLeaks() {
    const shown = [...this.lines.map(({ text }) => text)];
    for (const value of [this.client, this.result, this.error]) {
      shown.push(inspect(value, { depth: 12, showHidden: true, getters: true }));
      shown.push(String(value), JSON.stringify(value) ?? "");
    }
    for (let link = this.error; link instanceof Error; link = link.cause) {
      shown.push(link.stack, link.message);
    }
    // a key of some letters is part of other words
    for (const key of keysOf(this.row).filter((key) => key.length > 12)) {
      assert.deepEqual(shown.filter((text) => text.includes(key)), []);
    }
  }
}

for (const row of rows.filter(({ except }) => except?.typescript === undefined)) {
  test(row.name, async () => {
    const run = new Run(row);
    await run.run();
    await run.check();
  });
}
