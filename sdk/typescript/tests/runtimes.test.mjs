// The installed package on Node 18 and where there is no Node: nothing in it may need one.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";

import { install, PACKAGE, run } from "./support/packed.mjs";
import { runtime } from "./support/runtimes.mjs";
import { startServer } from "./support/server.mjs";

const KEY = "the-key-of-the-tests";
const SAID = {
  health: ["healthy", { id: "user_123", plan: "pro" }, "of-health"],
  output: { input: { n: 1 }, tries: 2 },
  error: [
    "PermissionDeniedError",
    403,
    "FORBIDDEN",
    "Insufficient permissions for this resource",
    "of-secret",
  ],
  classes: [true, true],
  aborted: true,
  shown: false,
};

let place, server, program;

before(async () => {
  [place, server] = await Promise.all([install(), startServer(KEY)]);
  await place.write("smoke.mjs", await readFile(join(PACKAGE, "tests/support/smoke.mjs"), "utf8"));
  const said = `const said = () => smoke("${KEY}", "${server.url}");\n`;
  program = `import { smoke } from "./smoke.mjs";\n${said}`;
  await place.write("print.mjs", `${program}console.log(await said());\n`);
});

after(async () => {
  server.close();
  await place.remove();
});

const node18 = runtime("Node 18");
const bun = runtime("Bun");
const deno = runtime("Deno");
const workerd = runtime("workerd");

const answer = async (...command) =>
  JSON.parse(await run(command[0], command.slice(1), { cwd: place.folder }));

test("Node 18", node18, async () => {
  assert.match(await run(node18.path, ["--version"]), /^v18\./);
  assert.deepEqual(await answer(node18.path, "print.mjs"), SAID);
});

test("Node 18 with require", node18, async () => {
  const text = 'const { ConductorClient } = require("@your-org/conductor-sdk");\n';
  await place.write("name.cjs", `${text}console.log(JSON.stringify(ConductorClient.name));\n`);
  assert.equal(await answer(node18.path, "name.cjs"), "ConductorClient");
});

test("Node 18 passes all other tests, the conformance table's too", node18, async () => {
  const here = await readdir(join(PACKAGE, "tests"));
  const others = here.filter((name) => /(?<!package|portable|runtimes)\.test\.mjs$/.test(name));
  assert.ok(others.includes("conformance.test.mjs"));
  const reporters = ["tap", "./tests/support/no-skips.mjs"].flatMap((reporter) => [
    `--test-reporter=${reporter}`,
    "--test-reporter-destination=stdout",
  ]);
  const files = others.map((name) => `tests/${name}`);
  const said = await run(node18.path, ["--test", ...reporters, ...files]);
  assert.match(said, /^# pass \d{3,}$/m);
  assert.match(said, /^# fail 0$/m);
});

test("Bun", bun, async () => {
  assert.deepEqual(await answer(bun.path, "--no-install", "print.mjs"), SAID);
});

test("Deno, which may reach the server and nothing else", deno, async () => {
  const flags = ["--quiet", "--no-prompt", "--cached-only", "--no-lock"];
  const net = `--allow-net=${new URL(server.url).host}`;
  assert.deepEqual(await answer(deno.path, "run", ...flags, net, "print.mjs"), SAID);
});

test("workerd, as Cloudflare runs it", workerd, async () => {
  const test = "export default { async test() { console.log(await said()); } };\n";
  await place.write("worker.mjs", program + test);
  const folder = "node_modules/@your-org/conductor-sdk/dist/esm";
  const names = (await readdir(join(place.folder, folder))).filter((name) => name.endsWith(".js"));
  const modules = [
    ["worker.mjs", "worker.mjs"],
    ["smoke.mjs", "smoke.mjs"],
    ["@your-org/conductor-sdk", `${folder}/index.js`],
    ...names.map((name) => [`@your-org/${name}`, `${folder}/${name}`]),
  ].map(([name, path]) => `(name = "${name}", esModule = embed "${path}")`);
  await place.write(
    "config.capnp",
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [${modules.join(", ")}], compatibilityDate = "2026-01-01")),
    (name = "internet", network = (allow = ["private", "local"])),
  ],
);
`,
  );
  assert.deepEqual(await answer(workerd.path, "test", "config.capnp"), SAID);
});
