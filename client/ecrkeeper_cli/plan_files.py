"""The files of `plan --out`: the documents with the digests of their plans."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecrkeeper_files import documents, kinds
from ecrkeeper_files.documents import Declaration
from ecrkeeper_files.sources import Errors, Text, read_file

from ecrkeeper_cli.items import Result, Wanted
from ecrkeeper_cli.writing import Document, Removal

_HEAD = {"apiVersion": kinds.VERSION, "kind": "Plan"}


def save(path: str, result: Result, *, force: bool) -> None:
    """Write a plan to a file that only its owner can read.

    A file that is there is replaced at once. ValueError if the server has no digest of a plan.
    """
    lacking = [item.name for item in result.items if not item.digest]
    if lacking:
        raise ValueError(f"{path}: not saved: the server gives no digest of the plan of {lacking[0]}; see its warnings")
    plans = [{"digest": item.digest, **_shape(item.document)} for item in result.items]
    text = json.dumps({**_HEAD, "force": force, "plans": plans}, indent=1, ensure_ascii=False)
    beside = Path(f"{path}.{os.getpid()}.new")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        beside.replace(path)
    except OSError as error:
        raise Errors([f"{path}: cannot be written: {error.strerror or error}"]) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def load(path: str) -> Wanted:
    """Return what a plan is to write; Errors for a file that is no plan."""
    content = _parsed(path)
    plans = content["plans"]
    digests = {each["name"]: each["digest"] for each in plans}
    texts = [
        Text(path, json.dumps(each["document"], ensure_ascii=False).encode()) for each in plans if "document" in each
    ]
    removals = tuple(each["name"] for each in plans if "document" not in each)
    return Wanted(documents.read(texts, empty=True), force=content["force"], removals=removals, digests=digests)


def _parsed(path: str) -> Mapping[str, Any]:
    try:
        content = json.loads(read_file(path))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or any(content.get(name) != value for name, value in _HEAD.items()):
        raise Errors([f"{path}: is no plan of `ecrkeeper plan --out`; declaration files are given with -f"])
    if not isinstance(content.get("force"), bool) or not all(_plans(content.get("plans"))):
        raise Errors([f"{path}: the plan is damaged; make it again with `ecrkeeper plan --out`"])
    return content


def _plans(plans: Any) -> Iterator[bool]:
    """Yield whether each plan has the form that `save` writes."""
    yield isinstance(plans, list)
    for each in plans if isinstance(plans, list) else ():
        yield isinstance(each, dict) and all(isinstance(each.get(name), str) for name in ("name", "digest"))
        if isinstance(each, dict) and "document" in each:
            document = each["document"]
            yield isinstance(document, dict) and document.get("name") == each.get("name")


def _shape(document: Document) -> dict[str, Any]:
    if isinstance(document, Removal):
        return {"name": document.name}
    if isinstance(document, Declaration):
        members = {
            "deletionPolicy": document.deletion_policy,
            "allowReplacement": document.allow_replacement,
            "applyGroup": document.apply_group,
            "settings": document.settings,
        }
        kind = "RegistrySettings"
    else:
        kind, members = document.kind, dict(document.members)
    present = {name: value for name, value in members.items() if value is not None}
    return {"name": document.name, "document": {**_HEAD, "kind": kind, "name": document.name, **present}}
