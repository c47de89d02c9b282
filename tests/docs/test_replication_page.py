"""The page of replication, followed beside a running `ecrkeeper dev`."""

from __future__ import annotations

import pytest

from tests.docs.blocks import Reading
from tests.docs.stage import Stage
from tests.docs.test_command_line_pages import beside

__all__ = ["beside"]


def test_replication(beside: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reading("docs/replication.md")
    output = beside.shell(page.next("sh", "replicate"))
    assert "111111111111/eu-west-1: there are no images" in output
    beside.python(page.next("python", "client.replicate"))
    assert "accounts/111111111111/registries/eu-west-1 0 []" in capsys.readouterr().out
    output = beside.shell(page.next("sh", "--delete"))
    assert output.count(" is deleted\n") == 3
    page.ended()
