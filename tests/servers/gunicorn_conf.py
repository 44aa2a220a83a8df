"""Gunicorn says on which port it listens."""

graceful_timeout = 10
control_socket_disable = True


def when_ready(server):
    # the test reads the port from here
    print(server.LISTENERS[0].sock.getsockname()[1], flush=True)  # noqa: T201
