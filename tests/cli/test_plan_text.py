"""Plans as text, JSON and Markdown."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from ecrkeeper import Caution, Change
from ecrkeeper_cli import plan_text, render
from ecrkeeper_cli.items import UNCHANGED, UPDATE, Item, Result
from ecrkeeper_files.documents import Declaration

DECLARATION = Declaration("accounts/111111111111/registries/us-east-1/settings/team-a", {})


@pytest.mark.parametrize("show", [lambda result: "\n".join(plan_text.lines(result)), plan_text.markdown])
@pytest.mark.parametrize(
    ("item", "message", "reason"),
    [
        (Item(DECLARATION, UPDATE, omitted=7), "7 changes that the server left out", "changes"),
        (Item(DECLARATION, UPDATE, omitted_warnings=3), "3 warnings that the server left out", "warnings"),
        (Item(DECLARATION, UNCHANGED, omitted_warnings=3), "3 warnings that the server left out", "no change"),
        (Item(DECLARATION, UNCHANGED, warnings=(Caution("R", "s", "beware"),)), "beware", "a warning that is shown"),
    ],
)
def test_parts_that_the_server_left_out_are_counted(
    show: Callable[[Result], str], item: Item, message: str, reason: str
) -> None:
    assert message in show(Result((item,))), reason


def test_shape_counts_omissions_of_the_server() -> None:
    (document,) = plan_text.shape(Result((Item(DECLARATION, UPDATE, omitted=7, omitted_warnings=3),)))["documents"]
    assert (document["omitted"], document["omittedWarnings"]) == (7, 3)
    assert json.loads(json.dumps(document)) == document


def many(count: int) -> list[Item]:
    """Return items with ten changes each."""
    changes = tuple(Change("ADD", "pull_through_cache_rules", f"rule-{at}|`") for at in range(10))
    return [
        Item(Declaration(f"accounts/{at:012}/registries/us-east-1/settings/team-a", {}), UPDATE, changes=changes)
        for at in range(count)
    ]


def test_markdown_is_stable_and_counts_omissions() -> None:
    items = many(400)
    text = plan_text.markdown(Result(tuple(items)))
    random.Random(1).shuffle(items)
    assert plan_text.markdown(Result(tuple(items))) == text
    assert len(text) < render.MARKDOWN_LIMIT
    shown = text.count("| + | pull_through_cache_rules |")
    assert shown > 500
    assert text.endswith(f"\n{4000 - shown} more lines were cut to stay under 65,000 characters.")
    assert "were cut" not in plan_text.markdown(Result(tuple(many(40))))


def test_markdown_table_with_one_long_row_is_cut() -> None:
    text = render.markdown_table(("a",), [["x" * 70_000], ["y"]])
    assert text.endswith("2 more lines were cut to stay under 65,000 characters.")
