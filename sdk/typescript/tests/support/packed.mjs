// The package as people install it: its tarball, installed into a folder that has nothing else.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const PACKAGE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const ROOT = dirname(dirname(PACKAGE));

/** Runs a program; returns what it printed, and throws with all of that if it fails. */
export async function run(program, args, { cwd = PACKAGE, env = {} } = {}) {
  // What npm and the test runner set is for their children; a key would hide that none is given.
  const ours = /^npm_|^NODE_TEST|API_KEY$/i;
  const inherited = Object.entries(process.env).filter(([name]) => !ours.test(name));
  const options = { cwd, env: { ...Object.fromEntries(inherited), ...env } };
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout}`, { cause: error });
  }
}

/** Packs and installs: the folder, the names in the tarball, and a function that removes it all. */
export async function install() {
  const folder = await mkdtemp(join(tmpdir(), "conductor-sdk-"));
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename, files }] = JSON.parse(await run("npm", pack));
  await writeFile(join(folder, "package.json"), '{"private": true}\n');
  const flags = ["--offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await run("npm", ["install", ...flags, `./${filename}`], { cwd: folder });
  return {
    folder,
    names: files.map(({ path }) => path).sort(),
    write: (name, text) => writeFile(join(folder, name), text),
    packages: async () => (await readdir(join(folder, "node_modules"))).filter((n) => n[0] !== "."),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
