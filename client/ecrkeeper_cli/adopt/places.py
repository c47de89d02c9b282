"""Find the account and the Region of resources; pure.

Version 6 of Terraform's AWS provider keeps the Region with each resource. For version 5 it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecrkeeper_files.plain_text import shown
from ecrkeeper_files.sources import Errors

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Places:
    """The given account and Regions.

    `regions` has Regions by provider (`aws.west`), by module or by resource; the key "" is for all others.
    """

    account: str = ""
    regions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, account: str, regions: Iterable[str]) -> Places:
        """Return the places of options; Errors.

        Options are such as `us-east-1` and `aws.west=us-west-2`.
        """
        errors = []
        if account and not _ACCOUNT.fullmatch(account):
            errors.append(f"--account: must have 12 digits, got {shown(account)}")
        by: dict[str, str] = {}
        for option in regions:
            where, _, region = option.rpartition("=")
            if not _REGION.fullmatch(region):
                errors.append(f"--region: must be a Region or WHERE=REGION, got {shown(option)}")
            elif by.setdefault(where, region) != region:
                errors.append(f"--region: {where or 'all'} has the Regions {by[where]} and {region}")
        if errors:
            raise Errors(errors)
        return cls(account, by)

    def region(self, address: str, provider: str, held: str) -> str:
        """Return the Region of a resource; '' if nothing says it.

        The most exact statement wins: the resource's own, then the longest address, then the provider.
        """
        if held:
            return held
        around = [where for where in self.regions if where and _within(address, where)]
        if around:
            return self.regions[max(around, key=len)]
        return self.regions.get(provider) or ("" if provider != "aws" else self.regions.get("", ""))


def _within(address: str, where: str) -> bool:
    return address == where or address.startswith((f"{where}.", f"{where}["))
