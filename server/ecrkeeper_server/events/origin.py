"""The caller of a record: this installation, another one, or somebody else."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from ecrkeeper_server.events.records import Record
from ecrkeeper_server.events.user_agent import Keeper


class Origin(StrEnum):
    """Whose call it is."""

    OWN = "own"
    OTHER_KEEPER = "other_keeper"
    FOREIGN = "foreign"


def claims_own(record: Record, install: str) -> bool:
    """Tell whether the record may be of this installation.

    Our principal in the account decides.

    Anybody can send our User-Agent, and a service that calls in somebody's name sends its own.
    """
    keeper = Keeper.parse(record.actor.user_agent)
    return bool(record.actor.invoked_by) or (keeper is not None and keeper.install == install)


def origin_of(record: Record, install: str, request_ids: Collection[str], own_arn: str) -> Origin:
    """Return whose call it is.

    `request_ids` are those of the calls that this installation has recorded, and `own_arn` is its principal in the
    account, empty where that is not known. A User-Agent can be forged, so it counts only with that principal.
    """
    if record.request_id and record.request_id in request_ids:
        return Origin.OWN
    keeper = Keeper.parse(record.actor.user_agent)
    if keeper is None:
        # ECR makes its role in the name of the caller whose write needs it.
        caused = record.actor.invoked_by and own_arn and record.arn == own_arn
        return Origin.OWN if caused else Origin.FOREIGN
    if keeper.install != install:
        return Origin.OTHER_KEEPER
    return Origin.OWN if own_arn and record.arn == own_arn else Origin.FOREIGN
