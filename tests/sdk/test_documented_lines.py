"""The lines of docs/authentication.md, as they are printed there, in a program of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "python" / "src"
SECONDS = 60

CALLS = {
    "python": """
health = client.health()
done = client.execute("your-ensemble", input={"text": "a"})
print(json.dumps([health.status, health.authenticated, health.user.id, health.user.plan]))
print(json.dumps([done.output, done.replayed]))
""",
    "typescript": """
const health = await client.health();
const done = await client.execute('your-ensemble', { input: { text: 'a' } });
const { status, authenticated, user } = health;
console.log(JSON.stringify([status, authenticated, user.id, user.plan]));
console.log(JSON.stringify([done.output, done.replayed]));
""",
}


def documented():
    """The lines for TypeScript, and those for Python."""
    text = (ROOT / "docs" / "authentication.md").read_text()
    (block,) = re.findall(r"## SDK Support.*?```typescript\n(.*?)```", text, re.DOTALL)
    typescript, python = re.fullmatch(
        r"// TypeScript/JavaScript\n(.*)// Python\n(.*)", block, re.DOTALL
    ).groups()
    return typescript, python


def run(command, folder, site, key):
    environ = {
        name: value
        for name, value in os.environ.items()
        if name != "CONDUCTOR_API_KEY"  # it would be read first where no key is given
    }
    environ |= {"API_KEY": key, "CONDUCTOR_BASE_URL": site.url, "PYTHONPATH": str(SDK)}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


EXPECTED = [
    ["healthy", True, "user_123", "pro"],
    [{"ensemble": "your-ensemble", "input": {"text": "a"}}, False],
]


@pytest.fixture
def key(site):
    return site.issue(user_id="user_123").token


@pytest.mark.xdist_group("sdk-python")
def test_python(site, key, tmp_path):
    _, lines = documented()
    assert "client = ConductorClient(api_key=os.environ['API_KEY'])" in lines
    (tmp_path / "program.py").write_text(f"import json\nimport os\n{lines}{CALLS['python']}")
    assert run([sys.executable, "-W", "error", "program.py"], tmp_path, site, key) == EXPECTED


@pytest.mark.xdist_group("sdk-typescript")
def test_typescript(site, key, node_folder):
    lines, _ = documented()
    assert "apiKey: process.env.API_KEY" in lines
    (node_folder / "documented.mjs").write_text(lines + CALLS["typescript"])
    assert run(["node", "documented.mjs"], node_folder, site, key) == EXPECTED
