"""Waiting for several names at once, with progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

import click
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli.failures import of_call, without_name
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session

_AT_ONCE = 8
# A mode that keeps ecrkeeper from writing is intended, and no failure.
_BY_INTENTION = frozenset({"PAUSED", "OBSERVE_ONLY"})


@dataclass(slots=True)
class Ended:
    """How many waits ended in sync, and how many failed."""

    synced: int = 0
    failed: int = 0


def wait_all(session: Session, names: Sequence[str], seconds: float, *, excused: bool = False) -> Ended:
    """Wait until AWS matches each name, and say how each went.

    With `excused`, a name that ecrkeeper does not write because of its mode has not failed.
    """
    from ecrkeeper._many import threads

    client = session.client
    progress = _Progress(len(names))
    ended = Ended()
    end = time.monotonic() + seconds
    with threads(_AT_ONCE) as pool:
        running: dict[Future[object], str] = {
            pool.submit(lambda name=name: client.wait_until_synced(name, max(0.1, end - time.monotonic()))): name  # type: ignore[misc]
            for name in names
        }
        while running:
            progress.show(len(names) - len(running))
            for done in wait_for(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
                _report(session, running.pop(done), done, progress, ended, excused=excused)
    progress.clear()
    return ended


def _report(
    session: Session, name: str, done: Future[object], progress: _Progress, ended: Ended, *, excused: bool
) -> None:
    from ecrkeeper import RegistryError

    progress.clear()
    try:
        done.result()
    except RegistryError as error:
        if excused and error.reason in _BY_INTENTION:
            reason = without_name(error.message, name)
            click.echo(f"{click.style('not waited for', fg='cyan')}  {short(name)}: {escaped(reason)}")
            return
        ended.failed += 1
        click.echo("\n".join(of_call(error, session, name=short(name))), err=True)
        return
    ended.synced += 1
    click.echo(f"{click.style('in sync', fg='green')}  {short(name)}")


class _Progress:
    """A line on a terminal that says how many are done; nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = time.monotonic()
        self._is_shown = sys.stderr.isatty()

    def show(self, done: int) -> None:
        if self._is_shown:
            passed = time.monotonic() - self._begun
            sys.stderr.write(f"\r\033[K{done} of {self._total} in sync, {passed:.0f} s")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._is_shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
