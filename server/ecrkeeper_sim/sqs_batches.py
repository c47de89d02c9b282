"""Batches of SQS: at most ten entries, each with its own identifier and outcome."""

from __future__ import annotations

import re
from collections.abc import Callable

from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.sqs_errors import batch
from ecrkeeper_sim.state import Json

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MAX_ENTRIES = 10


def run_batch(entries: list[Json], kind: str, act: Callable[[Json], Json]) -> Json:
    """Return the outcome of each entry.

    Raises the error of a batch that is rejected as a whole.
    """
    if not entries:
        raise batch("EmptyBatchRequest", f"There should be at least one {kind}RequestEntry in the request.")
    if len(entries) > _MAX_ENTRIES:
        message = f"Maximum number of entries per request are {_MAX_ENTRIES}. You have sent {len(entries)}."
        raise batch("TooManyEntriesInBatchRequest", message)
    known: set[str] = set()
    for entry in entries:
        if _ID.fullmatch(entry["Id"]) is None:
            message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
            raise batch("InvalidBatchEntryId", f"{message} It can be at most 80 letters long.")
        if entry["Id"] in known:
            raise batch("BatchEntryIdsNotDistinct", f"Id {entry['Id']} repeated.")
        known.add(entry["Id"])
    answer: Json = {"Successful": [], "Failed": []}
    for entry in entries:
        try:
            answer["Successful"].append({"Id": entry["Id"], **act(entry)})
        except AwsError as error:
            failed = {"Id": entry["Id"], "SenderFault": True, "Code": error.query_code, "Message": error.message}
            answer["Failed"].append(failed)
    return answer
