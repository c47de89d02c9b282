"""Tokens of OpenID Connect issuers, kept in files and refreshed. Without gRPC.

Each profile has a file. A person signs in with `ecrkeeper login`, or when the command line needs a token. Programs
only use and refresh the tokens that are kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ecrkeeper._oidc_provider import UNAVAILABLE, DeviceCode, OidcError, Provider, Tokens
from ecrkeeper._profile_sources import folder
from ecrkeeper._tokens import TokenError, checked, expiry_of

if TYPE_CHECKING:
    from ecrkeeper.profiles import Profile

# A token is refreshed this long before it expires; one that does not say when it expires is used this long.
_MARGIN_SECONDS, _KEPT_SECONDS = 60.0, 300.0
# A refresh of another process takes less; so often is asked whether it has ended.
_LOCK_SECONDS, _RETRY_SECONDS = 30.0, 0.05
_MAX_BYTES = 256 * 1024
# A profile's name begins with a letter or a digit.
_UNNAMED = "_environment"


class LoginRequiredError(TokenError):
    """There is no token that can be used or refreshed; a person has to sign in."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The content of a file; `asked` is what the tokens were issued for."""

    asked: Mapping[str, str]
    access_token: str
    id_token: str
    refresh_token: str
    expiry: float

    @classmethod
    def of(cls, asked: Mapping[str, str], tokens: Tokens, sent: str, now: float, before: _Kept | None = None) -> Self:
        """Return tokens that were issued now.

        Without a new refresh token, that of before stays.
        """
        stated = expiry_of(sent)
        expiry = stated if stated is not None else now + (_KEPT_SECONDS if tokens.seconds is None else tokens.seconds)
        refresh = tokens.refresh_token or (before.refresh_token if before is not None else "")
        return cls(asked, tokens.access_token, tokens.id_token, refresh, expiry)


class OidcToken:
    """Returns the kept token of a profile, and refreshes it before it expires."""

    def __init__(
        self,
        name: str,
        provider: Provider,
        asked: Mapping[str, str],
        directory: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self._name = name
        self._asked = asked
        self._path = directory / f"{name or _UNNAMED}.json"
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Kept | None = None

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Return the token of a profile with an issuer."""
        provider = Provider(profile.oidc_issuer, profile.oidc_client_id, profile.oidc_scope, profile.oidc_audience)
        asked = {
            "issuer": profile.oidc_issuer,
            "client_id": profile.oidc_client_id,
            "scope": profile.oidc_scope,
            "audience": profile.oidc_audience,
            "token": profile.oidc_token,
        }
        return cls(profile.name, provider, asked, folder() / "tokens")

    def __call__(self) -> str:
        """Return a token; LoginRequiredError, OidcError if it cannot be refreshed now."""
        with self._lock:
            if self._held is None or not self._lasts(self._held, _MARGIN_SECONDS):
                self._held = self._current()
            return self._sent(self._held)

    def sign_in(self, show: Callable[[DeviceCode], None], *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Show a code to a person, wait until it is entered, and keep the tokens.

        OidcError for a sign-in that is denied, or not done in time.
        """
        from ecrkeeper._device_login import signed_in

        tokens = signed_in(self.provider, show, sleep=sleep)
        with self._lock, self._locked():
            self._held = self._save(tokens)

    def sign_out(self) -> bool:
        """Forget the tokens; return whether there were any."""
        with self._lock, self._locked():
            self._held = None
            existed = self._path.exists()
            self._path.unlink(missing_ok=True)
        return existed

    def _current(self) -> _Kept:
        """Return the kept tokens, or refresh them.

        Another process may have refreshed them meanwhile.
        """
        with self._locked():
            kept = self._load()
            if kept is None:
                raise self._required("nobody has signed in")
            if self._lasts(kept, _MARGIN_SECONDS):
                return kept
            if not kept.refresh_token:
                if self._lasts(kept, 0):
                    return kept
                raise self._required("the token has expired, and the issuer gave none to refresh it")
            try:
                return self._save(self.provider.refresh(kept.refresh_token), kept)
            except OidcError as error:
                if error.code == "invalid_grant":
                    raise self._required("the sign-in has expired or was revoked") from error
                if error.code == UNAVAILABLE and self._lasts(kept, 0):
                    return kept
                raise

    def _required(self, reason: str) -> LoginRequiredError:
        option = f"--profile {self._name} " if self._name else ""
        return LoginRequiredError(f"{reason} at {self.provider.issuer}; run: ecrkeeper {option}login")

    def _lasts(self, kept: _Kept, seconds: float) -> bool:
        return kept.expiry - seconds > self._clock()

    def _sent(self, kept: _Kept | Tokens) -> str:
        return str(getattr(kept, self._asked["token"]))

    def _save(self, tokens: Tokens, before: _Kept | None = None) -> _Kept:
        sent = self._sent(tokens)
        if not sent:
            raise OidcError(f"{self.provider.issuer} gave no id_token; add openid to oidc_scope")
        checked(sent)
        kept = _Kept.of(self._asked, tokens, sent, self._clock(), before)
        beside = self._path.with_suffix(f".{os.getpid()}.new")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(kept), file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        finally:
            beside.unlink(missing_ok=True)
        return kept

    def _load(self) -> _Kept | None:
        """Return the kept tokens.

        None if there are none for what the profile asks for.
        """
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise TokenError(f"{self._path}: other users can open it; run: chmod 600 {self._path}")
                content: Any = json.loads(file.read(_MAX_BYTES))
            kept = _Kept(**content)
            texts = (kept.access_token, kept.id_token, kept.refresh_token)
            usable = all(isinstance(each, str) for each in texts) and isinstance(kept.expiry, int | float)
            return kept if usable and kept.asked == self._asked and self._sent(kept) else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenError(f"{self._path}: {error.strerror or error}") from error
        except TokenError:
            raise
        except (ValueError, TypeError, RecursionError):
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from refreshing the same token.

        Many issuers accept a refresh token once.
        """
        import fcntl

        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TokenError(f"{self._path.parent}: {error.strerror or error}") from error
        end = time.monotonic() + _LOCK_SECONDS
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > end:
                        raise TokenError(
                            f"{self._path}: another process has used it for {_LOCK_SECONDS:g} s"
                        ) from error
                    time.sleep(_RETRY_SECONDS)
            yield
        finally:
            os.close(descriptor)
