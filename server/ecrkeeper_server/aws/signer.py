"""Signature Version 4 for requests without a query string, as these APIs use.

botocore's signer derives the signing key for each request and copies the headers
several times: 60 µs per call against 9 µs here, in a loop of hundreds of thousands
of calls. `tests/conformance/test_signing.py` compares both for every operation.
"""

from __future__ import annotations

import hmac
import time
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
# As many as concurrent registries need; a key costs four HMACs.
_KEYS = 4096


@lru_cache(maxsize=_KEYS)
def _signing(secret_key: str, date: str, region: str, service: str) -> hmac.HMAC:
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")


def _signature(signing: hmac.HMAC, text: str) -> str:
    # `hmac.digest` would give up the GIL, and wait for the thread that takes it.
    copy = signing.copy()
    copy.update(text.encode())
    return copy.hexdigest()


def sign(
    method: str,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    *,
    access_key: str,
    secret_key: str,
    token: str | None,
    region: str,
    service: str,
    now: float,
) -> dict[str, str]:
    """Return the headers to send: the requested ones, all signed, and the signature's.

    `now` is in seconds since 1970. See "Create a signed AWS API request" in the IAM
    User Guide.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    date = stamp[:8]
    sent = {**headers, "X-Amz-Date": stamp}
    if token:
        sent["X-Amz-Security-Token"] = token
    signed = sorted([("host", host), *((name.lower(), " ".join(value.split())) for name, value in sent.items())])
    names = ";".join([name for name, _ in signed])
    lines = "".join([f"{name}:{value}\n" for name, value in signed])
    target = path if path == "/" else quote(path, safe="/~")
    request = f"{method}\n{target}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{date}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = _signature(_signing(secret_key, date, region, service), text)
    sent["Authorization"] = (
        f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent
