"""Operations as messages."""

from __future__ import annotations

from ecrkeeper_server.api.messages.operation import operation_message
from ecrkeeper_server.store.rows import Operation


def test_operation_of_newer_replica_omits_unknown_parts() -> None:
    row = Operation("id", "SomethingLater", "accounts/111111111111", 1, 1, {}, True, None, {}, 0, 0)
    message = operation_message("aws", row)
    assert (message.name, message.done, message.WhichOneof("result")) == ("operations/id", True, "response")
