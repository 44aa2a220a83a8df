"""A worker under load, in a process of its own: ``python reader.py URL TIMEOUT``.

It asks again and again with the key that it was told, and notes when each request began. On
standard input ``watch TOKEN`` begins with a key, and is answered with ``seen`` once it was let in.
``after TIME`` is answered, when enough requests have begun after that time (CLOCK_MONOTONIC, which
all processes share), with what they were answered, as JSON.
"""

import json
import sys
import threading
import time

from bearer_auth import BearerAuth, Rule
from bearer_auth.stores.sql import SQLStore

THREADS = 2
ENOUGH = 10


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


class Watch:
    def __init__(self, token):
        self.header = f"Bearer {token}"
        self.answers = []  # (when it began, status)
        self.over = False


watch = Watch("nobody")
watch.over = True


def ask(door):
    statuses = []  # a thread's own: the door is shared, what it answers is not
    while True:
        current = watch
        if current.over:
            time.sleep(0.001)
            continue
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/jobs",
            "HTTP_AUTHORIZATION": current.header,
            "wsgi.url_scheme": "http",
        }
        began = time.monotonic()
        answer = door(environ, lambda status, headers, exc_info=None: statuses.append(status))
        getattr(answer, "close", lambda: None)()
        current.answers.append((began, int(statuses.pop()[:3])))
        time.sleep(0)


def tell(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    global watch
    store = SQLStore(sys.argv[1], timeout=float(sys.argv[2]))
    door = BearerAuth(app, store, rules=[Rule("/jobs", scopes=["jobs"])])
    for _ in range(THREADS):
        threading.Thread(target=ask, args=(door,), daemon=True).start()
    tell("ready")
    for line in sys.stdin:
        command, value = line.split()
        if command == "watch":
            watch = Watch(value)
            while not any(status == 200 for _, status in list(watch.answers)):
                time.sleep(0.001)
            tell("seen")
        else:
            since = float(value)
            while sum(began > since for began, _ in list(watch.answers)) < ENOUGH:
                time.sleep(0.001)
            watch.over = True
            late = [status for began, status in list(watch.answers) if began > since]
            tell(json.dumps({str(status): late.count(status) for status in set(late)}))


if __name__ == "__main__":
    main()
