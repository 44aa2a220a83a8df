"""The TypeScript of a page: checked with ``--strict`` against the built package, and run by Node."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
TSC = ROOT / "sdk" / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"

# The line of a page that is above every block holds this; so lines keep their numbers.
BEFORE = "import { same } from './same.mjs';"

# What a program that imports these pages has from elsewhere.
FILES = {
    "same.d.mts": "export declare function same(value: unknown, shown: unknown): void;\n",
    "same.mjs": "export { deepStrictEqual as same } from 'node:assert/strict';\n",
    "elsewhere.d.ts": """
declare const process: { env: Record<string, string | undefined> };
declare function currentTraceparent(): string;
declare module 'node:fs/promises' {
  export function readFile(path: string, encoding: 'utf8'): Promise<string>;
}
""",
    "elsewhere.mjs": """
globalThis.currentTraceparent = () => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
""",
    "package.json": "{}",
    "tsconfig.json": json.dumps(
        {
            "compilerOptions": {
                "strict": True,
                "target": "ES2022",
                "module": "NodeNext",
                "lib": ["ES2022", "DOM"],
                "types": [],
                "outDir": "out",
            },
            "files": ["page.mts", "elsewhere.d.ts"],
        }
    ),
}


def build(package: Path, folder: Path) -> Path:
    """The tarball of a copy of ``package``, made in ``folder`` as the pages say."""
    copy = folder / "typescript"
    if not copy.exists():
        left_out = shutil.ignore_patterns("node_modules", "dist", "*.tgz")
        shutil.copytree(package, copy, ignore=left_out)
    (copy / "node_modules").symlink_to(TSC.parents[2])
    npm("--prefix", str(copy), "run", "build", cwd=folder)
    npm("pack", str(copy), cwd=folder)
    (tarball,) = folder.glob("*.tgz")
    return tarball


def install(tarball: Path, folder: Path) -> None:
    """A project in ``folder`` that has the package and nothing else."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    npm("install", "--offline", str(tarball), cwd=folder)


def run_blocks(folder: Path, text: str, environ: Mapping[str, str]) -> str:
    """What the blocks of ``text`` write, as one program of the project in ``folder``."""
    (folder / "page.mts").write_text(program_of(text))
    checked = run("node", str(TSC), "-p", ".", cwd=folder)
    assert checked.returncode == 0, checked.stdout
    ran = run("node", "--import", "./elsewhere.mjs", "out/page.mjs", cwd=folder, environ=environ)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def program_of(page: str) -> str:
    lines: list[str] = []
    inside = False
    for line in page.splitlines():
        inside = line != "```" if inside else line == "```typescript"
        shown = inside and line != "```typescript"
        lines.append(compared_with_its_comment(line) if shown else "")
    return BEFORE + "\n".join(lines)


def values_in(page: str) -> int:
    """How many values of the page are compared."""
    return program_of(page).count("same(")


def compared_with_its_comment(line: str) -> str:
    """``expression; // value``, where the comment is a value and nothing else, becomes a check."""
    found = re.fullmatch(
        r"(\s*)(?!const |let )(.+); // (true|false|null|[\d.]+|['\"[{].*)", line
    )
    return f"{found[1]}same({found[2]}, {found[3]});" if found else line


def npm(*arguments: str, cwd: Path) -> None:
    done = run("npm", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


def run(
    *command: str, cwd: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "no_proxy": "127.0.0.1", **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
