"""The spec of a role, and the preconditions of writing it."""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import common_pb2, role_pb2
from msgspec.structs import replace

from ecrkeeper_server.declarations.idempotency import check_etag
from ecrkeeper_server.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Violation
from ecrkeeper_server.names import RoleName, shown
from ecrkeeper_server.settings.codec import word
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import Mode, RoleSpec

PATHS = ("description", "tags", "mode")
"""The fields of a role that can be declared."""


def spec_of(requested: role_pb2.ServiceLinkedRole, paths: set[str]) -> dict[str, Any]:
    """Return the spec of the masked fields of a message; reject tags reserved by AWS."""
    spec: dict[str, Any] = {}
    reserved = sorted(key for key in requested.tags if key.lower().startswith("aws:"))
    if "tags" in paths and reserved:
        text = f"keys that begin with `aws:` are reserved by AWS, got {', '.join(map(shown, reserved))}"
        raise InvalidArgument([Violation("service_linked_role.tags", text)])
    if "description" in paths and requested.HasField("description"):
        spec["description"] = requested.description
    if "tags" in paths:
        spec["tags"] = dict(requested.tags)
    if "mode" in paths:
        spec["mode"] = Mode(word(common_pb2.Mode, requested.mode or common_pb2.ENFORCE))
    return spec


def requested_spec(requested: role_pb2.ServiceLinkedRole, paths: set[str], present: Resource | None) -> RoleSpec:
    """Return the spec after a write.

    A write that declares the role sets all fields, masked or not (AIP-134).
    """
    before = RoleSpec(managed=False) if present is None else present.role_spec
    masked = paths if before.managed else set(PATHS)
    cleared = {"description": None} if "description" in masked else {}
    return replace(before, **{**cleared, **spec_of(requested, masked)}, managed=True)


def _check_presence(name: RoleName, present: Resource | None, *, create: bool, update: bool) -> None:
    if present is not None and present.deleting:
        raise FailedPrecondition(f"{name} is being deleted; wait for its operation", reason="ROLE_DELETING")
    declared = present is not None and present.role_spec.managed
    if not declared and not create:
        raise NotFound("ServiceLinkedRole", str(name), "declare it first, or set allow_missing")
    if declared and not update:
        raise AlreadyExists(
            f"{name} is already declared; update it instead",
            reason="ALREADY_EXISTS",
            resource=("ServiceLinkedRole", str(name)),
        )


def check_write(name: RoleName, present: Resource | None, etag: str, *, create: bool, update: bool) -> None:
    """Reject a write that does not match the current role.

    A creation has no etag to check (AIP-133).
    """
    _check_presence(name, present, create=create, update=update)
    if update:
        check_etag(str(name), etag, "" if present is None else present.etag)
