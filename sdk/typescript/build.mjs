// Writes dist/ anew: once as ES modules, once as CommonJS.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const manifest = require.resolve("typescript/package.json");
const tsc = join(dirname(manifest), require(manifest).bin.tsc);

process.chdir(dirname(fileURLToPath(import.meta.url)));
rmSync("dist", { recursive: true, force: true });
for (const project of ["tsconfig.json", "tsconfig.cjs.json"]) {
  execFileSync(process.execPath, [tsc, "-p", project], { stdio: "inherit" });
}
// The package's own type is "module"; this folder's is not.
writeFileSync("dist/cjs/package.json", '{"type": "commonjs"}\n');
