"""The npm package, made and installed by the commands of docs/sdks.md."""

import shutil
from pathlib import Path

from .blocks import BLOCKS, ROOT
from .typescript import run

PIP, MAKE, INSTALL, RENAME = (
    block.text for block in BLOCKS if block.page == "docs/sdks.md" and block.language == "bash"
)


def make(folder: Path) -> None:
    """Run the commands that make the package in ``folder``, where a copy of ``sdk`` is then."""
    made = shutil.ignore_patterns("node_modules", "dist", "*.tgz", "__pycache__", "runtimes")
    shutil.copytree(ROOT / "sdk", folder / "sdk", ignore=made)
    run("sh", "-ec", MAKE, cwd=folder, environ={"npm_config_prefer_offline": "true"})


def install(made: Path, command: str, folder: Path) -> Path:
    """A project in ``folder`` that has the package that lies in ``made``, and nothing else."""
    folder.mkdir()
    (tarball,) = made.glob("*.tgz")
    shutil.copy(tarball, folder)
    (folder / "package.json").write_text("{}")
    run("sh", "-ec", command, cwd=folder, environ={"npm_config_offline": "true"})
    return folder
