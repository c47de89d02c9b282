"""Callers with tokens, each of whom may read a part of the fleet."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ecrkeeper
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

Reading = Mapping[str, Sequence[str]]
"""The patterns of `accounts` and of `regions`; without them, everything."""

_ISSUER, _AUDIENCE, _KEY = "https://issuer.example", "ecrkeeper", "benchmarks"
_LIFE_SECONDS = 3_600 * 12


class Callers:
    """Writes the key and the policy of a server, and makes its clients."""

    def __init__(self, folder: Path, reading: Mapping[str, Reading]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys, policy = folder / "callers.json", folder / "callers-policy.json"
        keys.write_text(json.dumps({"keys": [{**public, "kid": _KEY, "alg": "ES256", "use": "sig"}]}))
        rules = [{"name": name, "principals": [name], "verbs": ["read"], **parts} for name, parts in reading.items()]
        # JSON is YAML.
        policy.write_text(json.dumps({"rules": rules}))
        self.names = list(reading)
        self.settings: dict[str, Any] = {
            "jwt_issuer": _ISSUER, "jwt_audience": _AUDIENCE, "jwt_jwks_file": keys, "policy_file": policy,
        }  # fmt: skip

    def client(self, address: str, name: str) -> ecrkeeper.Client:
        """Return a client with the token of a caller; use it in a `with` statement."""
        claims = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": name, "exp": time.time() + _LIFE_SECONDS}
        token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": _KEY})
        return ecrkeeper.Client(address, insecure=True, token=token, allow_plaintext_token=True, timeout=60)
