"""The plans of accounts and registry sets.

The server plans a set as the changes of declarations; it does not read AWS.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ecrkeeper_files.documents import Treatment
from ecrkeeper_files.kinds import ACCOUNT, SET

from ecrkeeper_cli.items import CREATE, UNCHANGED, UPDATE, Item, Wanted
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.writing import result_or_none, write

if TYPE_CHECKING:
    import ecrkeeper

KINDS = ("Account", "RegistrySet")
_DIGITS = 32
# Members whose changes the plan of the set describes better.
_TEMPLATES = ("settings", "overrides")


def planned(client: ecrkeeper.Client, document: Treatment, wanted: Wanted) -> Item:
    """Return what a write of the document would change.

    ValueError if a saved plan is stale.
    """
    is_set = document.kind == "RegistrySet"
    get = client.get_registry_set if is_set else client.get_account
    current = result_or_none(lambda: get(document.name))
    names = SET if is_set else ACCOUNT
    etag = "" if current is None else current.etag
    options = wanted.set_options if is_set else {}
    # A plan overwrites nothing; the etag guards the write.
    answer = write(client, document, validate_only=True, **options)
    notes = tuple(_notes(answer.plan)) if is_set else ()
    digest = _checked(document, wanted, [_digest(_content(current, names)), _digest(notes)])
    members = () if current is None else tuple(_differing(current, answer, names))
    if current is None:
        return Item(document, CREATE, digest=digest, notes=notes)
    if not members:
        return Item(document, UNCHANGED, etag=etag, digest=digest)
    return Item(document, UPDATE, members, etag=etag, digest=digest, notes=notes)


def _checked(document: Treatment, wanted: Wanted, now: list[str]) -> str:
    """Return the digest of a plan; ValueError if a saved plan has another.

    It is one of the content and one of the changes. An etag would also change with what the plan does not show.
    """
    digest = ".".join(now)
    saved = wanted.digests.get(document.name, digest)
    if saved != digest:
        moved = "it would change other registries" if saved.partition(".")[0] == now[0] else "it has changed since"
        raise ValueError(f"{document.name}: the plan is stale: {moved}")
    return digest


def _content(current: Any, names: tuple[str, ...]) -> Mapping[str, Any] | None:
    if current is None:
        return None
    shape = _shape(current)
    return {name: shape[name] for name in names if name in shape}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _differing(current: Any, planned: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any, Any]]:
    before, after = (_shape(each) for each in (current, planned))
    for name in names:
        if before.get(name) != after.get(name):
            has_value = name not in _TEMPLATES
            yield (
                name,
                before.get(name) if has_value else "a template",
                after.get(name) if has_value else "another template",
            )


def _shape(message: Any) -> Mapping[str, Any]:
    from google.protobuf import json_format

    shape: Mapping[str, Any] = json_format.MessageToDict(message)
    return shape


def _notes(plan: Any) -> Iterator[str]:
    """Yield the changes of a set in words, then what is wrong."""
    for group in plan.groups:
        yield group.summary
    if plan.ungrouped_count:
        yield f"{plan.ungrouped_count} registries: other changes"
    for problem in plan.problems:
        yield f"{short(problem.registry)}: {problem.message} [{problem.reason}]"
    for warning in plan.warnings:
        yield f"{warning.message} [{warning.reason}]"
