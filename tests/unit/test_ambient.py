"""Ambient credentials: found once, refreshed in time, without blocking anything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from ecrkeeper_server.aws.ambient import Ambient
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import Temporary

ACCOUNT = "111111111111"


@dataclass
class Source:
    """Credentials as boto3 returns them; they end after `left` seconds."""

    left: float = 3600.0
    minted: int = 0
    failing: bool = False
    gate: threading.Event | None = None
    threads: list[str] = field(default_factory=list)

    def find(self) -> Source:
        return self

    def refresh_needed(self, refresh_in: int | None = None) -> bool:
        return self.left < (900 if refresh_in is None else refresh_in)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        self.threads.append(threading.current_thread().name)
        if self.gate is not None:
            self.gate.wait(20)
        if self.failing:
            raise RuntimeError("hunter2")
        self.minted += 1
        self.left = 3600.0
        return ReadOnlyCredentials(f"KEY{self.minted}", "secret", "token")


async def test_credentials_are_found_once_however_many_ask() -> None:
    source = Source()
    ambient = Ambient(source.find, variables={})
    answers = await asyncio.gather(*(ambient(ACCOUNT) for _ in range(50)), ambient("222222222222"))
    assert set(answers) == {Credentials("KEY1", "secret", "token")}
    assert source.threads == ["aws-credentials"]


async def test_credentials_of_variables_need_no_boto3() -> None:
    def never() -> Any:
        pytest.fail("boto3 is asked")

    variables = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert await Ambient(never, variables=variables)(ACCOUNT) == Credentials("a", "b")
    variables["AWS_SESSION_TOKEN"] = "c"
    assert await Ambient(never, variables=variables)(ACCOUNT) == Credentials("a", "b", "c")


@pytest.mark.parametrize(
    ("variables", "imported", "reason"),
    [
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, False, "the variables name the keys"),
        ({}, True, "boto3 has to look for them"),
        ({"AWS_ACCESS_KEY_ID": "a"}, True, "half of the keys, which boto3 rejects"),
    ],
)
def test_boto3_is_imported_only_when_needed(variables: dict[str, str], imported: bool, reason: str) -> None:
    script = (
        "import sys; from ecrkeeper_server.aws.client import AwsClient, AwsOptions;"
        "AwsClient(AwsOptions()).warm_up(); print('boto3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(imported)], reason


async def test_hanging_source_is_an_error_after_the_deadline_and_blocks_no_loop() -> None:
    now, source = [0.0], Source(gate=threading.Event())
    ambient = Ambient(source.find, lambda: now[0], {}, seconds=0.1)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.005)

    beating = asyncio.create_task(beat())
    began = time.monotonic()
    with pytest.raises(Temporary) as caught:
        await ambient(ACCOUNT)
    assert (caught.value.reason, caught.value.__context__) == ("AWS_NO_CREDENTIALS", None)
    assert 0.09 < time.monotonic() - began < 5
    assert beats > 3, "the loop went on"
    beating.cancel()
    now[0] += 1
    began = time.monotonic()
    with pytest.raises(Temporary):
        await ambient(ACCOUNT)
    assert time.monotonic() - began < 0.09, "later callers do not wait for the same thread again"
    assert len(source.threads) == 1
    # Much later, another thread tries.
    first, source.gate = source.gate, None
    now[0] += 301
    assert (await ambient(ACCOUNT)).access_key == "KEY1"
    assert first is not None
    first.set()


async def test_late_answer_is_used_by_later_calls() -> None:
    gate = threading.Event()
    source = Source(gate=gate)
    ambient = Ambient(source.find, variables={}, seconds=0.05)
    with pytest.raises(Temporary):
        await ambient(ACCOUNT)
    gate.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert (await ambient(ACCOUNT)).access_key == "KEY1"
                break
            except Temporary:
                await asyncio.sleep(0.005)
    assert len(source.threads) == 1


async def test_refresh_in_advance_makes_nobody_wait() -> None:
    now, source = [1000.0], Source()
    ambient = Ambient(source.find, lambda: now[0], {}, seconds=0.1)
    await ambient(ACCOUNT)
    source.left, gate = 800.0, threading.Event()
    source.gate = gate
    now[0] += 100
    for _ in range(3):
        assert (await ambient(ACCOUNT)).access_key == "KEY1", "it is still good"
    gate.set()
    async with asyncio.timeout(5):
        while (await ambient(ACCOUNT)).access_key != "KEY2":
            await asyncio.sleep(0.005)
    assert len(source.threads) == 2


async def test_failing_refresh_is_retried_after_a_pause_while_credentials_last() -> None:
    now, source = [1000.0], Source()
    ambient = Ambient(source.find, lambda: now[0], {}, seconds=5)
    await ambient(ACCOUNT)
    source.left, source.failing = 800.0, True
    for _ in range(4):
        now[0] += 10
        assert (await ambient(ACCOUNT)).access_key == "KEY1"
        await asyncio.sleep(0.02)
    assert len(source.threads) == 3, "after 10 and after 30 seconds"
    source.left = 30.0
    with pytest.raises(Temporary) as caught:
        await ambient(ACCOUNT)
    assert "RuntimeError" in caught.value.message
    assert "hunter2" not in caught.value.message


async def test_rejected_credentials_are_looked_for_again_and_not_at_once() -> None:
    now, source = [0.0], Source()
    ambient = Ambient(source.find, lambda: now[0], {})
    await ambient(ACCOUNT)
    ambient.forget()
    assert (await ambient(ACCOUNT)).access_key == "KEY2"
    ambient.forget()
    assert (await ambient(ACCOUNT)).access_key == "KEY2"


def test_hanging_source_does_not_keep_the_process_from_ending() -> None:
    script = """
import asyncio, time
from ecrkeeper_server.aws.ambient import Ambient
async def main():
    try:
        await Ambient(lambda: time.sleep(60), variables={}, seconds=0.1)("111111111111")
    except Exception as error:
        print(error.reason)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["AWS_NO_CREDENTIALS"]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials anywhere; the folder of the files."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


async def test_profile_process_and_missing_profile_are_those_of_boto3(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean / "credentials").write_text("[default]\naws_access_key_id = d\naws_secret_access_key = e\n")
    answer = '{"Version": 1, "AccessKeyId": "p", "SecretAccessKey": "q"}'
    (clean / "answer.json").write_text(answer)
    (clean / "config").write_text(f"[profile process]\ncredential_process = cat {clean / 'answer.json'}\n")
    assert (await Ambient()(ACCOUNT)).access_key == "d"
    monkeypatch.setenv("AWS_PROFILE", "process")
    assert (await Ambient()(ACCOUNT)).access_key == "p"
    monkeypatch.setenv("AWS_PROFILE", "missing")
    with pytest.raises(Temporary) as caught:
        await Ambient()(ACCOUNT)
    assert "ProfileNotFound" in caught.value.message


async def test_container_credentials_are_fetched_and_a_hanging_endpoint_is_given_up(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"AccessKeyId": "ecs", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}'
    hanging, connected = False, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not hanging:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        else:
            connected.set()
            await asyncio.sleep(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{port}/keys")
        assert await Ambient()(ACCOUNT) == Credentials("ecs", "s", "t")
        hanging = True
        began = time.monotonic()
        asking = asyncio.create_task(Ambient(seconds=0.3)(ACCOUNT))
        await asyncio.wait_for(connected.wait(), 20)
        with pytest.raises(Temporary):
            await asking
        assert time.monotonic() - began < 20
