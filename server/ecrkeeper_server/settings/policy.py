"""The registry policy: an element is one statement, its key the Sid.

Facts: `PutRegistryPolicy` in the ECR API reference; "Registry permissions"
in the ECR user guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from cachetools import LRUCache

from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings import policy_validation, statements
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.ecr_actions import is_known
from ecrkeeper_server.settings.elements import Elements, Value
from ecrkeeper_server.settings.json_text import NotJson, parse, write
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Quota, Read, Shape, Warning
from ecrkeeper_server.settings.text_cache import text_cache
from ecrkeeper_server.turns import Steps, finish

MAX_TEXT = 10240
SCOPE = "REGISTRY_POLICY_SCOPE"
_FEW = 5
# Statements of a step; a statement may have a hundred values.
_AT_ONCE = 20


def _document(shape: Shape) -> dict[str, Any]:
    """Return the parsed policy; empty if there is none or it cannot be read."""
    return _parsed(shape.get("policyText") or "{}")


# One reconcile parses the same text several times; nobody changes the parsed form.
@text_cache
def _parsed(text: str) -> dict[str, Any]:
    try:
        document = parse(text)
    except NotJson:
        return {}
    return document if isinstance(document, dict) else {}


def split(shape: Shape) -> dict[str, Value]:
    """Return the statements by Sid.

    The key of a statement without a Sid, or with a repeated Sid, is its digest.
    """
    return dict(finish(_statements(shape.get("policyText") or "{}")))


def prepare(shape: Shape, _registry: RegistryName | None) -> Iterator[None]:
    """Canonicalize the statements in steps, and cache them."""
    return _statements(shape.get("policyText") or "{}")


# The text that is declared is often the one that AWS has. Transactions split settings in other threads.
_known: LRUCache[str, dict[str, Value]] = LRUCache(256)
_lock = Lock()


def _statements(text: str) -> Steps[dict[str, Value]]:
    with _lock:
        known = _known.get(text)
    if known is None:
        known = yield from _split(text)
        if len(text) <= MAX_TEXT:
            with _lock:
                _known[text] = known
    return known


def _split(text: str) -> Steps[dict[str, Value]]:
    elements: dict[str, Value] = {}
    for at, statement in enumerate(policy_validation.statements_of(_parsed(text))):
        if at % _AT_ONCE == 0:
            yield
        if not isinstance(statement, Mapping):
            continue
        value = statements.canonical(statement)
        sid = statement.get("Sid") or ""
        needs_digest = not isinstance(sid, str) or not sid or elements.get(sid, value) != value
        elements[statements.digest(value) if needs_digest else sid] = value
    return elements


def join(elements: Elements) -> dict[str, Any]:
    """Return the policy document with all statements; an empty text if there is none."""
    if not elements:
        return {"policyText": ""}
    written = [statements.written(key, value) for key, value in sorted(elements.items())]
    return {"policyText": write({"Version": policy_validation.VERSION, "Statement": written})}


def _body(shape: Shape, observed: Shape) -> dict[str, Any]:
    """Return the policy to put.

    It keeps the `Id` of AWS's policy, which belongs to no statement, if there is
    space for it.
    """
    text, known = shape["policyText"], _document(observed).get("Id")
    named = write({**parse(text), "Id": known}) if known is not None else text
    return {"policyText": named if len(named) <= MAX_TEXT else text}


def opaque(shape: Shape) -> list[str]:
    """Return the parts of AWS's document that rewriting it would lose or change."""
    text = shape.get("policyText") or ""
    if not text:
        return []
    document = _document(shape)
    whole = policy_validation.statements_of(document)
    if not whole or not all(isinstance(statement, Mapping) for statement in whole):
        return ["policyText"]
    unknown = [f"policyText.{name}" for name in sorted(document.keys() - policy_validation.TOP)]
    for i, statement in enumerate(whole):
        odd = sorted(statement.keys() - statements.MEMBERS)
        unknown += [f"policyText.Statement[{i}].{name}" for name in odd]
    if document.get("Version") != policy_validation.VERSION and policy_validation.uses_variables(text):
        unknown.append("policyText.Version")
    return unknown


def needs_scope_v2(elements: Elements) -> bool:
    """Return whether AWS accepts these statements only with REGISTRY_POLICY_SCOPE V2."""
    return any(statements.beyond_v1(value) for value in elements.values())


def denies(value: Value) -> bool:
    """Return whether a statement is a Deny, which can lock out callers under V2."""
    return bool(value.get("Effect") == "Deny")


def names(key: str, value: Value) -> dict[str, str]:
    """Return the Sid and the principals of a statement, for messages."""
    sid = {} if key.startswith(statements.DIGEST) else {"sid": key}
    return {**sid, "principal": ", ".join(statements.principals(value))}


def warnings(plan: Plan, _registry: RegistryName, context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of actions without effect, and of denials that scope V2 enforces.

    Actions have no effect if ECR does not have them or they need scope V2.
    """
    if not plan.changes:
        return []
    added = {change.key: change.after for change in plan.changes if change.after is not None}
    warned = [warning for key, value in added.items() for warning in _unknown_actions(key, value)]
    scope = context.get("account_settings", {}).get(SCOPE)
    if scope != "V2" and needs_scope_v2(plan.target):
        message = (
            f"{SCOPE} is {scope or 'not declared'}: with V1 AWS rejects all actions except ecr:ReplicateImage,"
            " ecr:BatchImportUpstreamImage and ecr:CreateRepository; declare it as V2"
        )
        warned.append(Warning("POLICY_NEEDS_SCOPE_V2", SCOPE, message))
    if scope != "V1" and any(map(denies, added.values())):
        message = f"under {SCOPE} V2 a Deny binds every ECR request and can lock out callers, including this service"
        warned.append(Warning("POLICY_DENY_MAY_LOCK_OUT", "registry_policy", message))
    return warned


def _unknown_actions(key: str, value: Value) -> list[Warning]:
    named = [str(action) for member in ("Action", "NotAction") for action in value.get(member, ())]
    unknown = [action for action in named if not is_known(action)]
    if not unknown:
        return []
    few = ", ".join(map(shown, unknown[:_FEW])) + (f" and {len(unknown) - _FEW} more" if len(unknown) > _FEW else "")
    message = f"the statement {key} names {few}: ECR has no such action, so it has no effect; correct any typing error"
    return [Warning("POLICY_ACTION_UNKNOWN", key, message)]


_GONE = frozenset({"RegistryPolicyNotFound"})

REGISTRY_POLICY = Document(
    name="registry_policy",
    reads=(Read("GetRegistryPolicy", absent=_GONE),),
    put="PutRegistryPolicy",
    body=_body,
    delete="DeleteRegistryPolicy",
    gone=_GONE,
    split=split,
    prepare=prepare,
    join=join,
    validate=policy_validation.validate,
    warnings=warnings,
    quota=lambda elements: [Quota("registry policy characters", len(join(elements)["policyText"]), MAX_TEXT)],
    opaque=opaque,
    names=names,
    denies=denies,
    vanished=statements.names_deleted,
)
