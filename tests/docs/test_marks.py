"""Every block of the pages is run or has a reason."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests import harness
from tests.docs.blocks import MARK, PAGES, ROOT, Block, blocks_of

LANGUAGES = {"sh", "console", "python", "json", "yaml", "text", "toml"}
# Blocks that no test runs. A new one needs a reason in the page, and a change here.
NOT_RUNNABLE = 20

ALL = [block for page in PAGES for block in blocks_of(page)]
MARKED = [block for block in ALL if block.reason is not None]


def test_blocks_name_their_language() -> None:
    assert [str(block) for block in ALL if block.language not in LANGUAGES] == []


def test_skipped_blocks_are_counted_with_reason() -> None:
    assert len(MARKED) == NOT_RUNNABLE, [str(block) for block in MARKED]
    assert all(len(block.reason or "") > 10 for block in MARKED)
    assert not [str(block) for block in MARKED if block.language == "text"], "nobody would run it anyway"


def test_marks_precede_a_block() -> None:
    lines = [line for page in PAGES for line in page.read_text().splitlines() if "not runnable" in line]
    assert [line for line in lines if not MARK.fullmatch(line)] == []
    assert len(lines) == len(MARKED)


def test_text_contains_no_command() -> None:
    prompts = re.compile(
        r"^\s*(\$ |ecrkeeper-\w+ \w+|grpcurl -|make |curl |python |aws |docker |kubectl )", re.MULTILINE
    )
    assert [str(block) for block in ALL if block.language == "text" and prompts.search(block.text)] == []


def test_pages_with_blocks_are_tested() -> None:
    pages = {str(block.page.relative_to(ROOT)) for block in ALL if block.runs}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert pages == set(re.findall(r'Reading\("(.+?)"\)', tests))


def lines_of(program: str) -> list[tuple[Block, str]]:
    lines = [(block, line) for block in ALL for line in block.text.replace("\\\n", " ").splitlines()]
    return [(block, line) for block, line in lines if re.match(rf"(\w+=\S+ )*{program} ", line)]


def test_named_make_targets_exist() -> None:
    named = lines_of("make")
    for block, line in named:
        words = [word for word in shlex.split(line, comments=True) if word != "make"]
        done = subprocess.run(
            ["make", "--dry-run", "-C", str(ROOT), *sorted(words)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{block}: {line}\n{done.stderr}"
    assert len(named) > 15


@pytest.mark.parametrize("command", ["create-stack-set", "create-stack-instances"])
def test_cloudformation_parameters_match_the_command(command: str, tmp_path: Path) -> None:
    lines = [line for _, line in lines_of("aws") if f"cloudformation {command} " in line]
    assert len(lines) == 2, "of the roles, and of the rules for events"
    template = harness.iam_policy("--format", "stackset", "--principal", "arn:aws:iam::999999999999:role/a")
    (tmp_path / "role.yaml").write_text(template)
    (tmp_path / "rules.yaml").write_text(harness.iam_policy("--format", "events-stackset"))
    for line in lines:
        check_parameters(line, tmp_path)


def check_parameters(line: str, folder: Path) -> None:
    # The AWS CLI checks its input against the service model, and prints a sample without a call.
    options = ["--region", "us-east-1", "--generate-cli-skeleton", "output"]
    done = subprocess.run(
        [harness.program("aws"), *shlex.split(line)[1:], *options],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
