"""A real server with real keys, the documented curl lines for it, and its dashboard.

``python examples/demo`` starts it and prints the lines; ``--check`` runs them instead, compares the
answers with docs/authentication.md, and exits 0 or 1.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import dashboard
import server
from cases import check, documented_cases
from keys import demo_keys

ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python examples/demo", description=__doc__)
    parser.add_argument("--port", default="8000", help="default: 8000; 0: any free one")
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="default: .demo")
    parser.add_argument("--check", action="store_true", help="run the curl lines and compare")
    options = parser.parse_args()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return run(options.folder, server.port_of(options.port), checking=options.check)
    except server.CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # what reads our output has gone, and the server with it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(folder: Path, port: int, *, checking: bool) -> int:
    folder.mkdir(mode=0o700, exist_ok=True)
    if checking and server.runs_at(folder, port):
        cases = documented_cases(f"http://127.0.0.1:{port}", demo_keys(folder))
        return check(cases, server.dashboard_of(folder, port))
    with server.listening(folder, port) as listener:
        keys, address = demo_keys(folder), server.address_of(listener)
        with dashboard.opened(folder, address) as opened:
            server.note_dashboard(folder, listener, opened.url)
            with server.started(folder, listener) as running:
                cases = documented_cases(address, keys)
                if checking:
                    return check(cases, opened.url)
                print(f"\n{address} is the API of docs/authentication.md; Ctrl-C ends it.")
                print("Paste into another terminal:")
                for case in cases:
                    print(f"\n# {case.title}\n{case.line}")
                print(f"\nIts dashboard; the link works once, within ten minutes: {opened.link}")
                sys.stdout.flush()
                running.wait()
    return 0


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
