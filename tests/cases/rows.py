"""The rows of the tables of cases: one input, one reason, one exact expectation.

Accounts are `ACCOUNT` and `OTHER`; a test that needs accounts of its own takes `in_accounts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

ACCOUNT, OTHER = "111111111111", "222222222222"
Json = dict[str, Any]
text = json.dumps
"""A document as AWS takes it: JSON as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Where an expectation comes from: `evidence` is a grade of README.md, `source` says where it was seen."""

    id: str
    evidence: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(Case):
    """ecrkeeper rejects `settings` with this code, for exactly these fields, and calls AWS for nothing."""

    settings: Json
    code: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Case):
    """ecrkeeper brings `settings` to AWS, where exactly `state` is found then; AWS had `given` before."""

    settings: Json
    given: Json = field(default_factory=dict)
    state: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged(Case):
    """`settings` mean the same as what AWS has: no difference is shown, and nothing is written."""

    settings: Json
    given: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted(Case):
    """AWS comes to have `given` instead of `settings`: shown as `drift` (setting, key, kind), and put right."""

    settings: Json
    given: Json
    drift: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRejects(Case):
    """AWS answers a call with this code and message; `of_model` where botocore's model rules the call out already."""

    call: str
    params: Json
    given: Json = field(default_factory=dict)
    code: str
    message: str
    of_model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccepts(Case):
    """AWS carries a call out, and a `read` of the same setting answers exactly `answer` then."""

    call: str
    params: Json
    given: Json = field(default_factory=dict)
    read: str
    answer: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Case):
    """Something that takes several calls: `test` has the flow and what must come of it."""

    test: str


Row = TypeVar("Row", bound=Case)


def in_accounts(row: Row, account: str, other: str) -> Row:
    """The row with other accounts."""
    written = json.dumps(asdict(row)).replace(ACCOUNT, account).replace(OTHER, other)
    return type(row)(**_tuples(json.loads(written)))


def _tuples(values: Json) -> Json:
    for name in {"fields", "drift"} & values.keys():
        values[name] = tuple(tuple(each) if isinstance(each, list) else each for each in values[name])
    return values


def ids(rows: Iterable[Case]) -> list[str]:
    """The ids of rows."""
    return [row.id for row in rows]


def plain(value: Any) -> Any:
    """A state of AWS without times, and with documents as values: their white space says nothing."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items() if key not in ("createdAt", "updatedAt")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return json.loads(value) if isinstance(value, str) and value.lstrip()[:1] == "{" else value
