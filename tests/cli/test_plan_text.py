"""Plans as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from ecrkeeper import Caution
from ecrkeeper_cli import plan_text
from ecrkeeper_cli.items import UNCHANGED, UPDATE, Item, Result
from ecrkeeper_files.documents import Declaration

DECLARATION = Declaration("accounts/111111111111/registries/us-east-1/settings/team-a", {})


@pytest.mark.parametrize("show", [lambda result: "\n".join(plan_text.lines(result)), plan_text.markdown])
@pytest.mark.parametrize(
    ("item", "said", "reason"),
    [
        (Item(DECLARATION, UPDATE, omitted=7), "7 changes that the server left out", "changes"),
        (Item(DECLARATION, UPDATE, omitted_warnings=3), "3 warnings that the server left out", "warnings"),
        (Item(DECLARATION, UNCHANGED, omitted_warnings=3), "3 warnings that the server left out", "no change"),
        (Item(DECLARATION, UNCHANGED, warnings=(Caution("R", "s", "beware"),)), "beware", "a warning that is shown"),
    ],
)
def test_parts_that_the_server_left_out_are_counted(
    show: Callable[[Result], str], item: Item, said: str, reason: str
) -> None:
    assert said in show(Result((item,))), reason


def test_shape_counts_what_the_server_left_out() -> None:
    (document,) = plan_text.shape(Result((Item(DECLARATION, UPDATE, omitted=7, omitted_warnings=3),)))["documents"]
    assert (document["omitted"], document["omittedWarnings"]) == (7, 3)
    assert json.loads(json.dumps(document)) == document
