"""The rows of the case tables: one input, one reason, one exact expectation.

Accounts are `ACCOUNT` and `OTHER`; `in_accounts` replaces them with a test's own accounts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

ACCOUNT, OTHER = "111111111111", "222222222222"
Json = dict[str, Any]
text = json.dumps
"""Return a document in AWS's form: JSON as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The origin of an expectation: a grade of README.md, and the source."""

    id: str
    evidence: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(Case):
    """ecrkeeper rejects `settings` for exactly these fields, without calling AWS."""

    settings: Json
    code: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Case):
    """ecrkeeper writes `settings` over `existing`; AWS then has exactly `state`."""

    settings: Json
    existing: Json = field(default_factory=dict)
    state: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged(Case):
    """`settings` equal what AWS has: there is no drift and no write."""

    settings: Json
    existing: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted(Case):
    """AWS has `existing` instead of `settings`: reported as `drift`, and remediated."""

    settings: Json
    existing: Json
    drift: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRejects(Case):
    """AWS rejects a call; if `of_model`, botocore's model already rules it out."""

    call: str
    params: Json
    existing: Json = field(default_factory=dict)
    code: str
    message: str
    of_model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccepts(Case):
    """AWS accepts a call, and a `read` of the same setting then returns `answer`."""

    call: str
    params: Json
    existing: Json = field(default_factory=dict)
    read: str
    answer: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Case):
    """A case of several calls; `test` implements it."""

    test: str


Row = TypeVar("Row", bound=Case)


def in_accounts(row: Row, account: str, other: str) -> Row:
    """Return the row with other accounts."""
    written = json.dumps(asdict(row)).replace(ACCOUNT, account).replace(OTHER, other)
    return type(row)(**_tuples(json.loads(written)))


def _tuples(values: Json) -> Json:
    for name in {"fields", "drift"} & values.keys():
        values[name] = tuple(tuple(each) if isinstance(each, list) else each for each in values[name])
    return values


def ids(rows: Iterable[Case]) -> list[str]:
    """Return the ids of rows."""
    return [row.id for row in rows]


def plain(value: Any) -> Any:
    """Return AWS's state without times, with documents as values."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items() if key not in ("createdAt", "updatedAt")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return json.loads(value) if isinstance(value, str) and value.lstrip()[:1] == "{" else value
