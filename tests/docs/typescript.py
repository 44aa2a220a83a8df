"""The TypeScript of a page: checked with ``--strict`` against the built package, run by Node."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

# The first line of a page is in no block. What stands there keeps the numbers of the others.
FIRST_LINE = "import { same } from './same.mjs';"

FILES = {
    "same.d.mts": "export declare function same(value: unknown, shown: unknown): void;\n",
    "same.mjs": "export { deepStrictEqual as same } from 'node:assert/strict';\n",
    # what a program with these blocks has from elsewhere
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
    "tsconfig.json": json.dumps(
        {
            "compilerOptions": {
                "strict": True,
                "target": "ES2022",
                "module": "NodeNext",
                "lib": ["ES2022", "DOM"],
                "types": [],
            },
            "files": ["page.mts", "elsewhere.d.ts"],
        }
    ),
}


def run_blocks(page: str, folder: Path, compiler: Path, environ: Mapping[str, str]) -> str:
    """What the blocks of a page's text write, as one program in the project in ``folder``."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "page.mts").write_text(program_of(page))
    run("node", str(compiler), "--project", ".", cwd=folder)
    program = ("node", "--import", "./elsewhere.mjs", "page.mjs")
    return run(*program, cwd=folder, environ=environ)


def program_of(page: str) -> str:
    lines = [FIRST_LINE]
    inside = False
    for line in page.splitlines()[1:]:
        lines.append(comparing(line) if inside and line != "```" else "")
        inside = line != "```" if inside else line == "```typescript"
    return "\n".join(lines)


def comparing(line: str) -> str:
    """``expression; // value``, where the comment is a value and nothing else, becomes a check."""
    value = r"true|false|null|[\d.]+|['\"[{].*"
    found = re.fullmatch(rf"(\s*)(?!const |let )(.+); // ({value})", line)
    return f"{found[1]}same({found[2]}, {found[3]});" if found else line


def run(*command: str, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """What a command writes to stdout; it has to end with 0."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "no_proxy": "127.0.0.1", **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
