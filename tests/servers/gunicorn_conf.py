"""Gunicorn says on which port it listens."""

graceful_timeout = 10
control_socket_disable = True


def when_ready(server):
    print(server.LISTENERS[0].sock.getsockname()[1], flush=True)  # noqa: T201
