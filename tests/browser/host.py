"""A site as a user of the library has it: its own login, an API that needs keys, the dashboard."""

import logging
import secrets
import threading
from contextlib import contextmanager

from markupsafe import escape
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from bearer_auth import BearerAuth, Keyring
from bearer_auth.audit import SQLEventSink
from bearer_auth.dashboard import DashboardUser, Grants, create_dashboard
from bearer_auth.stores.sql import SQLStore

logging.getLogger("werkzeug").setLevel(logging.ERROR)

PEOPLE = {
    "ada": DashboardUser("user_ada", plan="pro", name="Ada"),
    "bob": DashboardUser("user_bob", name="Bob"),
    "olga": DashboardUser("operator_olga", may_manage_all=True, name="Olga"),
}
GRANTS = Grants(scopes=["reports:read", "reports:write"], environments=["production", "staging"])


class Login:
    """The site's own pages: whoever clicks on a name is signed in by a cookie."""

    def __init__(self, cookie="SameSite=Lax"):
        self._cookie = cookie
        self._sessions = {}

    @Request.application
    def __call__(self, request):
        if request.path != "/login":
            return Response("Welcome", mimetype="text/html")
        back = request.values.get("next", "/keys/")
        if request.method == "GET":
            return Response(self._form(back), mimetype="text/html")
        session = secrets.token_hex()
        self._sessions[session] = PEOPLE[request.form["who"]]
        answer = redirect(back, 303)
        answer.headers["Set-Cookie"] = f"session={session}; Path=/; HttpOnly; {self._cookie}"
        return answer

    def identify(self, environ):
        """Who sends a request."""
        return self._sessions.get(Request(environ).cookies.get("session"))

    def end_all(self):
        """Sign everybody out."""
        self._sessions.clear()

    def _form(self, back):
        names = "".join(f'<button name="who" value="{who}">{who}</button>' for who in PEOPLE)
        return (
            '<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>'
            f'<form method="post"><input type="hidden" name="next" value="{escape(back)}">'
            f"{names}</form>"
        )


class Host:
    """The site and what is behind it.

    Args:
        folder: Where its database goes.
        login: Options of ``Login``.

    Attributes:
        url: The site.
        api: The API.
    """

    def __init__(self, folder, **login):
        url = f"sqlite:///{folder / 'site.db'}"
        self.store = SQLStore(url, create=True)
        self.sink = SQLEventSink(url)
        self.ring = Keyring(self.store, event_sink=self.sink)
        self.login = Login(**login)
        self._api = BearerAuth(
            self.login,
            self.store,
            public=["/", "/login", "/favicon.ico"],
            content_types=None,
            event_sink=self.sink,
        )
        dashboard = create_dashboard(
            self.ring, self.login.identify, grants=GRANTS, events=self.sink, login_url="/login"
        )
        self.server = Server(DispatcherMiddleware(self._api, {"/keys": dashboard}))
        self.url = self.server.url
        self.api = f"{self.url}/health"

    def settle(self):
        """Write down what waits to be written beside the requests: uses and events."""
        self._api.close()
        self.sink.flush()

    def close(self):
        self.server.close()
        self._api.close()
        self.sink.close()
        self.store.close()


PATIENCE_S = 20
"""How long a slow server lets a browser wait: some calls of Playwright have no timeout."""


class Server:
    """Serves a WSGI app on a free port, each request in a thread of its own.

    Attributes:
        url: Its address.
        asked: The path and query of each request, as it came.
    """

    def __init__(self, app, host="127.0.0.1"):
        self._app = app
        self.asked = []
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._server = make_server(host, 0, self._noting, threaded=True, request_handler=_Quiet)
        self.url = f"http://{host}:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def slow(self):
        """No answer meanwhile, but for a browser that would wait for one for ever."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def _noting(self, environ, start_response):
        self.asked.append(environ["REQUEST_URI"])
        self._may_answer.wait(PATIENCE_S)
        answer = self._app(environ, start_response)
        try:
            # Read here: when a browser hangs up, this server doesn't always close what it sends.
            return [b"".join(answer)]
        finally:
            if hasattr(answer, "close"):
                answer.close()


class _Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass
