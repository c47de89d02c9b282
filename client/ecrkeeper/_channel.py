"""The client's connection: gRPC service config, TLS, tokens and keepalive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import grpc
import grpc.aio

from ecrkeeper._base import SERVICES
from ecrkeeper._metadata import Metadata, Pairs, pairs_of
from ecrkeeper._targets import is_loopback, target_error
from ecrkeeper._tokens import Token, checked
from ecrkeeper._version import version
from ecrkeeper.profiles import Profile, load

# Retries of every call are safe, because the client sets `request_id` in every write. There is no
# `timeout` here: it would cap what a caller asks for. RESOURCE_EXHAUSTED is repeated when and if
# the server says so (`grpc-retry-pushback-ms`): it does for its own limits, after the delay of
# RetryInfo, not for quotas.
SERVICE_CONFIG: dict[str, Any] = {
    "methodConfig": [
        {
            "name": [{"service": name} for name in SERVICES],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ]
}

_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A watch can be silent for long; without this option gRPC stops after two pings.
    ("grpc.http2.max_pings_without_data", 0),
    # Answers of servers before 0.2.0 may exceed gRPC's default of 4 MiB.
    ("grpc.max_receive_message_length", 64 << 20),
)


def channel_options() -> tuple[tuple[str, Any], ...]:
    """Return the options of a channel, the user agent among them."""
    return (*_OPTIONS, ("grpc.primary_user_agent", f"ecrkeeper/{version()}"))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address and security of the connection; ValueError for an insecure combination."""

    target: str
    insecure: bool = False
    credentials: grpc.ChannelCredentials | None = None
    token: Token | None = None
    allow_plaintext_token: bool = False
    extra: Metadata | None = None
    interceptors: Sequence[Any] = ()

    @classmethod
    def of(
        cls,
        target: str,
        *,
        insecure: bool,
        credentials: grpc.ChannelCredentials | None,
        token: Token | None,
        allow_plaintext_token: bool,
        metadata: Metadata | None,
        interceptors: Sequence[Any],
        injected: bool,
    ) -> Self:
        """Return the endpoint of a client.

        ValueError for options that conflict with `channel`.
        """
        if not injected:
            return cls(target, insecure, credentials, token, allow_plaintext_token, metadata, interceptors)
        if target or insecure or credentials is not None or token is not None or interceptors:
            raise ValueError("channel= excludes target, credentials=, token=, interceptors= and insecure=")
        return cls("(given-channel)", extra=metadata)

    def __post_init__(self) -> None:
        if error := target_error(self.target):
            raise ValueError(error)
        if self.insecure and self.credentials is not None:
            raise ValueError("insecure=True and credentials= exclude each other")
        trusted = self.allow_plaintext_token or is_loopback(self.target)
        if self.insecure and self.token is not None and not trusted:
            raise ValueError(
                f"a token must not be sent in plaintext to {self.target}; use TLS, or allow_plaintext_token=True where "
                "something else, such as a service mesh, encrypts the connection"
            )
        if isinstance(self.token, str):
            checked(self.token)
        if self.extra is not None and not callable(self.extra):
            pairs_of(self.extra)

    def open(self) -> grpc.Channel:
        """Return a channel for the synchronous API; it connects with the first call."""
        if self.insecure:
            channel = grpc.insecure_channel(self.target, options=channel_options())
        else:
            channel = grpc.secure_channel(self.target, self._credentials(), options=channel_options())
        return grpc.intercept_channel(channel, *self.interceptors) if self.interceptors else channel

    def open_aio(self) -> grpc.aio.Channel:
        """Return a channel for the running event loop; it connects with the first call."""
        around = list(self.interceptors) or None
        if self.insecure:
            return grpc.aio.insecure_channel(self.target, options=channel_options(), interceptors=around)
        return grpc.aio.secure_channel(self.target, self._credentials(), options=channel_options(), interceptors=around)

    def metadata(self) -> Pairs:
        """Return the metadata of a call, with the token if gRPC does not add it itself."""
        token = _bearer(self.token) if self.insecure and self.token is not None else ()
        return (*token, *pairs_of(self.extra))

    async def metadata_aio(self) -> Pairs:
        """Return the metadata of a call.

        A function for the token may take long, so it runs in a thread.
        """
        if self.insecure and callable(self.token):
            return await asyncio.to_thread(self.metadata)
        return self.metadata()

    def _credentials(self) -> grpc.ChannelCredentials:
        channel = self.credentials or grpc.ssl_channel_credentials()
        if self.token is None:
            return channel
        return grpc.composite_channel_credentials(channel, grpc.metadata_call_credentials(_BearerToken(self.token)))


def profile_options(name: str, path: str | PathLike[str] | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a client for a profile.

    ProfileError says what is wrong with the profile.
    """
    profile = load(name, path=None if path is None else Path(path), **overrides)
    return {
        "target": profile.target,
        "insecure": profile.plaintext,
        "credentials": None if profile.plaintext else _tls(profile),
        "token": profile.source_of_token(),
        "allow_plaintext_token": profile.allow_plaintext_token,
        "timeout": profile.timeout,
    }


def _tls(profile: Profile) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        profile.read("ca_file"), profile.read("key_file"), profile.read("certificate_file")
    )


class _BearerToken(grpc.AuthMetadataPlugin):
    """Adds the token to each call over TLS.

    Calls a function for each call, so it may refresh.
    """

    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        try:
            metadata = _bearer(self._token)
        except Exception as error:  # gRPC fails the call with this error; raised here, it would be lost in a thread.
            callback((), error)
        else:
            callback(metadata, None)


def _bearer(token: Token) -> Pairs:
    return (("authorization", f"Bearer {checked(token if isinstance(token, str) else token())}"),)
