"""Names the requested resource in an error of AWS that it does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecrkeeper_server.aws_errors import AwsError


@contextmanager
def asking_for(kind: str, name: str) -> Iterator[None]:
    """Add the resource to a "not found" error of AWS within the block."""
    try:
        yield
    except AwsError as error:
        if error.grpc_code == "NOT_FOUND":
            error.resource = (kind, name)
        raise
