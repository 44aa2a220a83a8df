"""A TCP proxy on 127.0.0.1 between a store and its server, which breaks the way it is told to."""

import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: close() sends a RST


class Proxy:
    """Passes bytes on, between connections to its own port and ``target``.

    Attributes:
        target: Where connections go that come from now on.
        mode: ``pass``; ``hold``: a black hole, which takes what it is sent and acknowledges it,
            and passes nothing on until the mode is another; ``drip``: answers come one byte at a
            time; ``reset``: an answer is cut in the middle, by a RST.
        delay: Seconds that an answer waits; where it drips, each of its bytes.
        connections: How many have come so far.
    """

    def __init__(self, target):
        self.target = target
        self.delay = 0.0
        self.connections = 0
        self._mode = "pass"
        self._changed = threading.Condition()
        self._pairs = []
        self._closed = False
        self._listener = None
        self._listen(0)
        self.port = self._listener.getsockname()[1]

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        with self._changed:
            self._mode = mode
            self._changed.notify_all()

    def refuse(self):
        """End all connections and refuse new ones, as a machine does whose server has died."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.drop()

    def accept(self):
        """After ``refuse``: take new ones again."""
        self._listen(self.port)

    def drop(self):
        """End all connections, by a RST."""
        with self._changed:
            pairs, self._pairs = self._pairs, []
        for client, server in pairs:
            _reset(client)
            _reset(server)

    def close(self):
        self._closed = True
        self.mode = "pass"
        self.refuse()

    def _listen(self, port):
        self._listener = socket.create_server(("127.0.0.1", port), backlog=200)
        self._thread = threading.Thread(target=self._accept, args=[self._listener], daemon=True)
        self._thread.start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client):
        self._wait_while_held()
        try:
            server = socket.create_connection(self.target)
        except OSError:
            _reset(client)
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._pairs.append((client, server))
        questions = threading.Thread(target=self._pump, args=[client, server, False], daemon=True)
        questions.start()
        self._pump(server, client, True)
        questions.join()
        client.close()
        server.close()

    def _pump(self, source, sink, answers):
        try:
            while data := source.recv(65_536):
                self._wait_while_held()
                if answers:
                    self._answer(data, sink)
                else:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(source)
            _reset(sink)

    def _answer(self, data, sink):
        if self._mode == "reset":
            sink.sendall(data[: len(data) // 2])
            raise ConnectionResetError
        step = 1 if self._mode == "drip" else len(data)
        for start in range(0, len(data), step):
            if self.delay:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, self.delay)
            sink.sendall(data[start : start + step])

    def _wait_while_held(self):
        with self._changed:
            self._changed.wait_for(lambda: self._mode != "hold")


def _reset(connection):
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # wakes the thread that reads from it; close() alone doesn't
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    connection.close()
