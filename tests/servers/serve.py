"""``python serve.py NAME``: serves on a free port of 127.0.0.1 and prints which."""

import sys

from served import application

ADDRESS = ("127.0.0.1", 0)


def say(port):
    # the test reads the port from here
    print(port, flush=True)  # noqa: T201


def waitress():
    from waitress import create_server

    server = create_server(application, host=ADDRESS[0], port=ADDRESS[1])
    say(server.effective_port)
    server.run()


def cheroot():
    from cheroot.wsgi import Server

    server = Server(ADDRESS, application)
    server.prepare()
    say(server.bind_addr[1])
    server.serve()


def werkzeug():
    from werkzeug.serving import make_server

    server = make_server(*ADDRESS, application, threaded=True)
    say(server.port)
    server.serve_forever()


def wsgiref():
    from wsgiref.simple_server import make_server

    server = make_server(*ADDRESS, application)
    say(server.server_port)
    server.serve_forever()


def gevent():
    from gevent.monkey import patch_all

    patch_all()
    from gevent.pywsgi import WSGIServer

    server = WSGIServer(ADDRESS, application)
    server.start()
    say(server.server_port)
    server.serve_forever()


SERVERS = {each.__name__: each for each in (waitress, cheroot, werkzeug, wsgiref, gevent)}

if __name__ == "__main__":
    SERVERS[sys.argv[1]]()
