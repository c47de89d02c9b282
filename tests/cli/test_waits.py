"""Waits that a person ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import grpc
import pytest
from ecrkeeper.v1.registry_pb2 import Registry
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse

from tests.client.fake import FakeServer

COUNT = 12
# A shell lets programs in the background ignore the signal, and so do their children.
INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("ecrkeeper_cli", run_name="__main__")
"""


def test_interrupt_ends_running_and_queued_waits(server: FakeServer) -> None:
    names = [f"{111111111111 + number}/us-east-1" for number in range(COUNT)]
    watched = threading.Semaphore(0)

    def behind(request: object, context: grpc.ServicerContext) -> list[WatchRegistriesResponse]:
        watched.release()
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(300)
        return [WatchRegistriesResponse(kind="CURRENT", registry=Registry(name="accounts/1/registries/us-east-1"))]

    server.on("WatchRegistries", behind)
    environment = {**os.environ, "ECRKEEPER_TARGET": server.target, "ECRKEEPER_PLAINTEXT": "true"}
    command = [sys.executable, "-c", INTERRUPTIBLE, "wait", "--wait-timeout", "300", *names]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert watched.acquire(timeout=30)
        child.send_signal(signal.SIGINT)
        try:
            output = child.communicate(timeout=60)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            pytest.fail("the command went on after the interrupt")
    assert (child.returncode, output) == (130, "\ninterrupted\n")
    assert len(server.requests("WatchRegistries")) < COUNT
