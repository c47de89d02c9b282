"""Sign in with another device (RFC 8628).

A person enters a code, and the issuer is asked until that has happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ecrkeeper._oidc_provider import UNAVAILABLE, DeviceCode, OidcError, Provider, Tokens

# RFC 8628, section 3.5: so much longer between polls after `slow_down`.
_SLOWER_SECONDS = 5.0
_ENDS = {
    "access_denied": "the sign-in was denied",
    "expired_token": "nobody entered the code in time; sign in again",
}


def signed_in(
    provider: Provider,
    show: Callable[[DeviceCode], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Tokens:
    """Return the tokens of a sign-in.

    OidcError if it is denied, not done before the code expires, or rejected.
    """
    code = provider.authorize()
    show(code)
    interval, end = code.interval, clock() + code.seconds
    while (remaining := end - clock()) > 0:
        sleep(min(interval, remaining))
        try:
            return provider.redeem(code)
        except OidcError as error:
            if error.code in _ENDS:
                raise OidcError(f"{provider.issuer}: {_ENDS[error.code]}", error.code) from error
            if error.code == "slow_down":
                interval += _SLOWER_SECONDS
            elif error.code == UNAVAILABLE:
                # The standard asks for longer and longer waits.
                interval = min(2 * interval, 60.0)
            elif error.code != "authorization_pending":
                raise
    raise OidcError(f"{provider.issuer}: {_ENDS['expired_token']}", "expired_token")
