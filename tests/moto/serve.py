"""Run moto's server on a free port until SIGTERM, and print its address."""

from __future__ import annotations

import signal

from moto.server import ThreadedMotoServer

if __name__ == "__main__":
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    signal.signal(signal.SIGTERM, lambda *_: exit(0))
    print(f"listening on http://{host}:{port}", flush=True)  # noqa: T201
    signal.pause()
