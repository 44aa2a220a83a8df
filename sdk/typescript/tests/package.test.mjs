// What people install: the tarball in an empty folder, used from each kind of module and compiled
// with each way that TypeScript has to find it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test, { after, before } from "node:test";

import { install, PACKAGE, ROOT, run } from "./support/packed.mjs";
import { startServer } from "./support/server.mjs";

const KEY = "the-key-of-the-tests";
const NAMES = [
  "APIConnectionError",
  "APIError",
  "APIResponseError",
  "APIStatusError",
  "APITimeoutError",
  "AuthenticationError",
  "BadRequestError",
  "ConductorClient",
  "ConfigurationError",
  "ConflictError",
  "PermissionDeniedError",
  "RateLimitError",
  "ServiceUnavailableError",
  "UnprocessableEntityError",
];
const AFTERWARDS = `
const health = await client.health();
console.log(JSON.stringify([health.status, health.authenticated, health.user, health.requestId]));
`;
const SAID = '["healthy",true,{"id":"user_123","plan":"pro"},"of-health"]\n';

const require = createRequire(import.meta.url);
const TYPESCRIPT = dirname(require.resolve("typescript/package.json"));
const NODE_TYPES = ["--typeRoots", join(PACKAGE, "node_modules", "@types"), "--types", "node"];

let place, server, documented;

before(async () => {
  const page = await readFile(join(ROOT, "docs", "authentication.md"), "utf8");
  documented = /^```typescript\n(.*?)^\/\/ Python\n/ms.exec(page)[1];
  [place, server] = await Promise.all([install(), startServer(KEY)]);
});

after(async () => {
  server.close();
  await place.remove();
});

function use(name) {
  const env = { API_KEY: KEY, CONDUCTOR_BASE_URL: server.url };
  return run(process.execPath, [name], { cwd: place.folder, env });
}

function compile(...args) {
  const { bin } = require("typescript/package.json");
  const options = ["--strict", "--exactOptionalPropertyTypes"];
  const tsc = join(TYPESCRIPT, bin.tsc);
  return run(process.execPath, [tsc, ...options, ...args], { cwd: place.folder });
}

test("the tarball holds what is built, and needs no other package", async () => {
  const others = place.names.filter((name) => !name.startsWith("dist/"));
  assert.deepEqual(others, ["LICENSE", "README.md", "package.json"]);
  assert.deepEqual(
    place.names.filter((name) => !/\.(js|d\.ts|json|md)$|^LICENSE$/.test(name)),
    [],
  );
  assert.deepEqual(await place.packages(), ["@your-org"]);
  const folder = join(place.folder, "node_modules", "@your-org", "conductor-sdk");
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  assert.equal(manifest.name, "@your-org/conductor-sdk");
  assert.equal(manifest.version, "0.1.0");
  assert.deepEqual(manifest.engines, { node: ">=18" });
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    assert.equal(manifest[kind], undefined);
  }
  for (const script of ["preinstall", "install", "postinstall"]) {
    assert.equal(manifest.scripts?.[script], undefined);
  }
});

test("what is documented is what was printed for the issue", () => {
  assert.equal(
    documented,
    "// TypeScript/JavaScript\n" +
      "import { ConductorClient } from '@your-org/conductor-sdk';\n\n" +
      "const client = new ConductorClient({\n  apiKey: process.env.API_KEY\n});\n\n",
  );
});

test("an ES module runs the documented lines", async () => {
  await place.write("documented.mjs", documented + AFTERWARDS);
  assert.equal(await use("documented.mjs"), SAID);
});

test("a CommonJS module runs the same lines with require", async () => {
  const lines = documented.replace(/^import (.*) from '(.*)';$/m, "const $1 = require('$2');");
  await place.write("documented.cjs", `${lines}(async () => {${AFTERWARDS}})();`);
  assert.equal(await use("documented.cjs"), SAID);
});

test("both kinds of module export the same names and no more", async () => {
  const print = "console.log(JSON.stringify(Object.keys(sdk).sort()));\n";
  await place.write("names.mjs", `import * as sdk from "@your-org/conductor-sdk";\n${print}`);
  await place.write("names.cjs", `const sdk = require("@your-org/conductor-sdk");\n${print}`);
  assert.deepEqual(JSON.parse(await use("names.mjs")), NAMES);
  assert.deepEqual(JSON.parse(await use("names.cjs")), NAMES);
});

test("node16: the documented lines compile as both kinds of module, and run", async () => {
  await place.write("typed.mts", documented + AFTERWARDS);
  await place.write("typed.cts", `${documented}(async () => {${AFTERWARDS}})();`);
  const modules = ["--module", "node16", "--moduleResolution", "node16", "--target", "es2022"];
  await compile(...modules, "--lib", "es2022", ...NODE_TYPES, "typed.mts", "typed.cts");
  assert.equal(await use("typed.mjs"), SAID);
  assert.equal(await use("typed.cjs"), SAID);
});

test("bundler: the documented lines compile with a browser's types, without Node's", async () => {
  const declared = "declare const process: { env: Record<string, string | undefined> };\n";
  await place.write("bundled.ts", `${documented}${AFTERWARDS}export {};\n`);
  await place.write("process.d.ts", declared);
  const modules = ["--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"];
  const files = ["bundled.ts", "process.d.ts"];
  const types = ["--lib", "es2022,dom", "--types", ""];
  await compile(...modules, ...types, "--outDir", "out", ...files);
  const compiled = await readFile(join(place.folder, "out", "bundled.js"), "utf8");
  await place.write("bundled.mjs", compiled);
  assert.equal(await use("bundled.mjs"), SAID);
});

test("TypeScript refuses what the client would refuse, and knows the results", async () => {
  const wrong = [
    'new ConductorClient({ apikey: "k" });',
    "await client.execute(5);",
    "const plan: number = (await client.health()).user.plan;",
    "const { output } = await client.execute<{ n: number }>('e'); output.m;",
    "new RateLimitError().retryAfter;",
    "new ConductorClient({}, { random: () => 1 });",
  ];
  const head = documented.replace("ConductorClient }", "ConductorClient, RateLimitError }");
  await place.write("wrong.mts", `${head}${wrong.join("\n")}\n`);
  const modules = ["--module", "node16", "--target", "es2022", "--lib", "es2022", "--noEmit"];
  const error = await compile(...modules, ...NODE_TYPES, "wrong.mts").then(
    () => assert.fail("it compiled"),
    (failed) => failed.cause,
  );
  const first = head.split("\n").length;
  const found = [...error.stdout.matchAll(/^wrong\.mts\((\d+),/gm)];
  const lines = found.map(([, line]) => line - first);
  assert.deepEqual([...new Set(lines)], [0, 1, 2, 3, 4, 5], error.stdout);
});
