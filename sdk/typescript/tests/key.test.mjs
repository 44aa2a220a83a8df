import assert from "node:assert/strict";
import { test } from "node:test";
import { ConductorClient, ConfigurationError } from "@your-org/conductor-sdk";
import {
  done,
  NO_VARIABLES,
  rejection,
  script,
  scripted,
  setEnvironment,
  thrownBy,
} from "./support/scripted.mjs";

async function sentKey(options = {}) {
  const { fetch, requests } = script(done());
  await new ConductorClient({ fetch, ...options }).execute("e");
  return requests[0].headers.authorization;
}

test("the documented line takes the variable API_KEY", async (t) => {
  setEnvironment(t, { ...NO_VARIABLES, API_KEY: "documented" });
  assert.equal(await sentKey({ apiKey: process.env.API_KEY }), "Bearer documented");
});

test("the documented line falls back where its variable isn't set", async (t) => {
  setEnvironment(t, { ...NO_VARIABLES, CONDUCTOR_API_KEY: "other" });
  assert.equal(await sentKey({ apiKey: process.env.API_KEY }), "Bearer other");
});

test("without a key the error says how to set one", (t) => {
  setEnvironment(t, NO_VARIABLES);
  const message =
    "there is no API key in the environment: set the variable CONDUCTOR_API_KEY (or API_KEY), or pass apiKey";
  assert.equal(thrownBy(() => new ConductorClient()).message, message);
  assert.equal(thrownBy(() => new ConductorClient({ apiKey: undefined })).message, message);
});

test("a key that disappears from the environment is an error at the call", async (t) => {
  setEnvironment(t, { ...NO_VARIABLES, API_KEY: "old" });
  const { client } = scripted([], { apiKey: undefined });
  delete process.env.API_KEY;
  assert.ok((await rejection(client.health())) instanceof ConfigurationError);
});

const COPY =
  "has a character that no key has (RFC 6750 allows letters, digits and -._~+/): copy it again";
const ENDS =
  "has white space or a newline at an end: take it off, as with .trim() after reading a file";
for (const [name, apiKey, message] of [
  [
    "empty",
    "",
    "there is no API key in apiKey: set the variable CONDUCTOR_API_KEY (or API_KEY), or pass apiKey",
  ],
  [
    "null",
    null,
    "there is no API key in apiKey: set the variable CONDUCTOR_API_KEY (or API_KEY), or pass apiKey",
  ],
  ["a number", 5, "apiKey is not an API key: a string is needed, not number"],
  ["Bearer", "Bearer abc", 'the API key in apiKey begins with "Bearer ": leave that out'],
  ["bearer", "bearer abc\n", 'the API key in apiKey begins with "Bearer ": leave that out'],
  ["a newline at its end", "abc\n", `the API key in apiKey ${ENDS}`],
  ["an = inside", "ab=c", `the API key in apiKey ${COPY}`],
  [
    "too long",
    "a".repeat(4090),
    "the API key in apiKey is longer than 4089 characters: is it a key?",
  ],
]) {
  test(`a malformed key is refused at construction: ${name}`, () => {
    assert.equal(thrownBy(() => new ConductorClient({ apiKey })).message, message);
  });
}

test("a malformed key names its variable", (t) => {
  setEnvironment(t, { ...NO_VARIABLES, API_KEY: "abc\n" });
  assert.equal(thrownBy(() => new ConductorClient()).message, `the API key in API_KEY ${ENDS}`);
});

test("a malformed key of a function is refused at the call", async () => {
  const { client } = scripted([], { apiKey: async () => "abc\n" });
  const error = await rejection(client.health());
  assert.equal(error.constructor, ConfigurationError);
  assert.equal(error.message, `the API key in what apiKey() returned ${ENDS}`);
});

test("what a function for the key throws passes through, and nothing is tried again", async () => {
  const thrown = new Error("vault is sealed");
  const { client } = scripted([], {
    apiKey: () => {
      throw thrown;
    },
  });
  assert.equal(await rejection(client.health()), thrown);
});
