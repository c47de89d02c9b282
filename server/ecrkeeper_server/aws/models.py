"""The choice of the codec.

With tested versions of botocore, it uses botocore's internals, else the public interface.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore

from ecrkeeper_server.aws.codec import Codec
from ecrkeeper_server.private_interfaces import PrivateInterface

BOTOCORE = PrivateInterface(
    "botocore",
    botocore.__version__,
    ("1.44",),
    "each request, and each answer of IAM and STS, costs 0.3 ms more CPU, the start 0.15 s, the models 11 MB",
)


def load() -> None:
    """Load the files that every installation uses.

    Call it before all other imports: the endpoints take 10 MB for a moment, which later imports reuse.
    """
    codec().load()


def choose() -> Codec:
    """Return the codec of this process.

    Log a warning if it is the public one because of botocore's version.
    """
    BOTOCORE.choose()
    return codec()


def codec() -> Codec:
    """Return the codec of this process."""
    return _private() if BOTOCORE.usable else _public()


def service_model(name: str) -> Any:
    """Return the model of one of the services.

    ValueError for any other, which would have no endpoint.
    """
    return codec().model(name)


@cache
def _private() -> Codec:
    from ecrkeeper_server.aws.botocore_private import PrivateCodec

    return PrivateCodec()


@cache
def _public() -> Codec:
    from ecrkeeper_server.aws.botocore_public import PublicCodec

    return PublicCodec()
