"""The calls that write documents.

With `validate_only`, the server plans them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecrkeeper_files.documents import Declaration, Treatment
from ecrkeeper_files.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    import ecrkeeper
    from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Removal:
    """A declaration that is deleted, because the files of its group no longer have it."""

    name: str
    source: Source = field(default_factory=Source, compare=False)
    kind = "RegistrySettings"

    @property
    def owner(self) -> str:
        """The owner."""
        return self.name.rpartition("/")[2]


Document = Declaration | Treatment | Removal


def message_of_document(document: Declaration | Treatment) -> Message:
    """Return the message of a document; InvalidArgument has every violation."""
    import ecrkeeper
    from ecrkeeper._messages import message_of
    from ecrkeeper._settings import declaration

    if isinstance(document, Declaration):
        return declaration(
            document.name,
            document.settings,
            deletion_policy=document.deletion_policy,
            allow_replacement=document.allow_replacement,
            apply_group=document.apply_group,
        )
    kind: type[Message] = getattr(ecrkeeper, document.kind)
    return message_of(kind, {"name": document.name, **document.members}, "")


def write(client: ecrkeeper.Client, document: Document, *, created: bool = False, **options: Any) -> Any:
    """Write a document.

    A declaration that is `created` must not exist yet.
    """
    if isinstance(document, Removal):
        return client.delete_registry_settings(document.name, **options)
    if isinstance(document, Declaration):
        return (_create if created else _apply)(client, document, **options)
    message, mask = {"name": document.name, **document.members}, list(document.members)
    if document.kind == "Registry":
        return client.update_registry(message, mask, **options)
    if document.kind == "ServiceLinkedRole":
        return client.update_service_linked_role(message, mask, allow_missing=True, **options)
    # The fleet has etags in place of digests of plans.
    message["etag"] = options.pop("etag", "")
    if document.kind == "Account":
        return client.update_account(message, mask, allow_missing=True, **options)
    return client.update_registry_set(message, ["*"], allow_missing=True, **options)


def _create(client: ecrkeeper.Client, document: Declaration, **options: Any) -> Any:
    return client.create_registry_settings(
        document.registry,
        document.owner,
        settings=document.settings,
        deletion_policy=document.deletion_policy,
        allow_replacement=document.allow_replacement,
        apply_group=document.apply_group or "",
        **options,
    )


def _apply(client: ecrkeeper.Client, document: Declaration, **options: Any) -> Any:
    return client.apply_registry_settings(
        document.name,
        document.settings,
        deletion_policy=document.deletion_policy,
        allow_replacement=document.allow_replacement,
        apply_group=document.apply_group,
        **options,
    )


def declared_role(client: ecrkeeper.Client, name: str) -> Any:
    """Return a role; None if nobody declares it.

    The server also shows roles that ECR created for a setting.
    """
    current = result_or_none(lambda: client.get_service_linked_role(name))
    if current is None:
        return None
    same = {"name": name, "mode": current.mode}
    planned = result_or_none(lambda: client.update_service_linked_role(same, ["mode"], validate_only=True, timeout=60))
    return None if planned is None else current


def result_or_none(call: Callable[[], Any]) -> Any:
    """Return the result of a call; None for what does not exist."""
    import ecrkeeper

    try:
        return call()
    except ecrkeeper.NotFound:
        return None
