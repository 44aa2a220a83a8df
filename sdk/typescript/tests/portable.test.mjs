// Nothing in the built files may be Node's alone, or of a browser alone. The compiler says which
// names a file has from outside; here it knows those that each runtime has, and no others.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { after, before } from "node:test";

import { PACKAGE, run } from "./support/packed.mjs";

const EVERYWHERE = [
  "AbortController",
  "AbortSignal",
  "DOMException",
  "Headers",
  "Request",
  "Response",
  "TextDecoder",
  "TextEncoder",
  "URL",
  "URLSearchParams",
  "clearTimeout",
  "crypto",
  "fetch",
  "performance",
  "setTimeout",
];
// What Node has, so that no test there would miss it, may be looked for, but not counted on.
const OF_NODE = "(Buffer|global|process|setImmediate)";
const LOOKED_FOR = new RegExp(
  String.raw`\.${OF_NODE}\b(?!\?\.| [!=]==)|\[["']${OF_NODE}["']\]`,
  "g",
);
const NOT_FOUND =
  /^(\S+\.[cm]?js)\(\d+,\d+\): error TS(?:2304|2307|2503|2552|258\d|259\d): .*?'(.*?)'/gm;

const require = createRequire(import.meta.url);
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "conductor-sdk-scan-"));
  const known = EVERYWHERE.map((name) => `declare const ${name}: any;`);
  await writeFile(join(folder, "everywhere.d.ts"), known.join("\n"));
});

after(() => rm(folder, { recursive: true, force: true }));

/** `file: name` for each name that a runtime may lack, in all files below a folder of ours. */
async function missing(name) {
  const names = await readdir(join(folder, name), { recursive: true });
  const files = names.filter((n) => /\.[cm]?js$/.test(n)).map((file) => join(name, file));
  assert.notDeepEqual(files, []);
  const flags = ["--allowJs", "--checkJs", "--noEmit", "--target", "es2022", "--lib", "es2022"];
  const modules = ["--module", "esnext", "--moduleResolution", "bundler", "--types", ""];
  const args = [tsc, ...flags, ...modules, "--pretty", "false", "everywhere.d.ts", ...files];
  const said = await run(process.execPath, args, { cwd: folder }).catch(({ cause }) => {
    assert.equal(typeof cause.stdout, "string");
    return cause.stdout;
  });
  const found = [...said.matchAll(NOT_FOUND)].map(([, file, what]) => `${file}: ${what}`);
  for (const file of files) {
    const text = await readFile(join(folder, file), "utf8");
    for (const [, member, quoted] of text.matchAll(LOOKED_FOR)) {
      found.push(`${file}: ${member ?? quoted}`);
    }
  }
  return found;
}

test("the built files use what every runtime has", async () => {
  await cp(join(PACKAGE, "dist"), join(folder, "dist"), { recursive: true });
  assert.deepEqual(await missing("dist"), []);
});

const NOT_PORTABLE = {
  "buffer.js": ["const text = Buffer.from('a');", "Buffer"],
  "builtin.js": ["import { join } from 'path';\njoin('a');", "path"],
  "console.js": ["console.log('a');", "console"],
  "document.js": ["const cookie = document.cookie;", "document"],
  "dynamic.js": ["const fs = await import('node:fs');\nexport {};", "node:fs"],
  "export.js": ["export * from 'node:util';", "node:util"],
  "folder.js": ["const here = __dirname;", "__dirname"],
  "immediate.js": ["setImmediate(() => {});", "setImmediate"],
  "index.js": ["const name = globalThis['Buffer'].name;", "Buffer"],
  "member.js": ["const version = globalThis.process.version;", "process"],
  "node.js": ["import { readFileSync } from 'node:fs';\nreadFileSync('a');", "node:fs"],
  "process.js": ["const path = process.env.PATH;", "process"],
  "require.cjs": ["const fs = require('fs');", "fs"],
  "scheme.cjs": ["exports.util = require('node:util');", "node:util"],
};

test("the scan sees each thing of Node's or of a browser's", async () => {
  await mkdir(join(folder, "wrong"));
  for (const [name, [text]] of Object.entries(NOT_PORTABLE)) {
    await writeFile(join(folder, "wrong", name), `${text}\n`);
  }
  assert.deepEqual(
    (await missing("wrong")).sort(),
    Object.entries(NOT_PORTABLE).map(([name, [, what]]) => `wrong/${name}: ${what}`),
  );
});

test("the scan lets pass what looks for something and does without", async () => {
  await mkdir(join(folder, "right"));
  const text = `
const home = globalThis.process?.env?.HOME;
const platform = globalThis;
if (platform.process !== undefined && home !== undefined) new URL("https://process.example/Buffer");
`;
  await writeFile(join(folder, "right", "looks.js"), text);
  assert.deepEqual(await missing("right"), []);
});
