"""The resource that a call asked AWS for, named where AWS does not have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecrkeeper_server.aws_errors import AwsError


@contextmanager
def asking_for(kind: str, name: str) -> Iterator[None]:
    """Within, an error by which AWS says that it has no such thing names the resource."""
    try:
        yield
    except AwsError as error:
        if error.grpc_code == "NOT_FOUND":
            error.resource = (kind, name)
        raise
