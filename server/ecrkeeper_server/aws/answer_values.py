"""Checks of the values in answers that credentials, roles and Regions come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ecrkeeper_server.aws.answers import InvalidAnswer, account_of_arn, essentials, values_at
from ecrkeeper_server.names import is_account, partition_of

_YEARS = (1980, 9000)


def check_content(service: str, operation: str, params: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Raise InvalidAnswer for answers to another request, or impossible values."""
    row = essentials(service, operation)
    if row is None:
        return
    for member, parameter in row.repeats.items():
        for value in values_at(data, tuple(member.split("."))):
            if _plain(value) != _plain(str(params.get(parameter, value))):
                raise InvalidAnswer(f"{member} is not the {parameter} that was asked for")
    check = _VALUES.get(operation)
    if check is not None and (violation := check(data)):
        raise InvalidAnswer(violation)


def _plain(text: str) -> str:
    # IAM's names differ not only in case, and AWS may return the prefix `a` as `a/`.
    return text.casefold().rstrip("/")


def _identity(data: Mapping[str, Any]) -> str:
    if not is_account(data["Account"]) or account_of_arn(data["Arn"]) != data["Account"]:
        return "Account is not the 12-digit account of Arn"
    return ""


def _keys(data: Mapping[str, Any]) -> str:
    keys = data["Credentials"]
    key, secret, token = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    if not key.isascii() or not key.isalnum() or len(key) > 128:
        return "Credentials.AccessKeyId is not 1 to 128 letters and digits"
    # Headers and signatures contain the keys unchanged.
    odd = [
        name
        for name, text in (("SecretAccessKey", secret), ("SessionToken", token))
        if not (text.isascii() and text.isprintable()) or " " in text
    ]
    if odd:
        return f"Credentials.{odd[0]} has characters that credentials do not have"
    return _time("Credentials.Expiration", keys["Expiration"])


def _role(data: Mapping[str, Any]) -> str:
    if not is_account(account_of_arn(data["Role"]["Arn"])):
        return "Role.Arn has no account"
    return _time("Role.CreateDate", data["Role"]["CreateDate"])


def _time(member: str, moment: datetime) -> str:
    return "" if _YEARS[0] <= moment.year < _YEARS[1] else f"{member} is not a time of this epoch"


def _regions(data: Mapping[str, Any]) -> str:
    # A Region becomes part of the host that receives requests.
    odd = any(partition_of(region["RegionName"]) is None for region in data["Regions"])
    return "Regions has a name that no Region can have" if odd else ""


_VALUES = {"GetCallerIdentity": _identity, "AssumeRole": _keys, "GetRole": _role, "ListRegions": _regions}
