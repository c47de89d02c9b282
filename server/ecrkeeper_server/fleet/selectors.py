"""Selectors of registries; pure.

Registry sets, overrides and waves have one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.errors import InvalidArgument, StatusError, Violation
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.names import partition_of, shown
from ecrkeeper_server.store.filter_expression import (
    Either,
    Every,
    Expression,
    Negation,
    Restriction,
    holds,
)
from ecrkeeper_server.store.filter_syntax import parse
from ecrkeeper_server.store.fleet_specs import AccountState, Selector, Source

_LABEL = "labels."
_CHOICES = {"state": tuple(AccountState), "source": tuple(Source)}
_EXCLUDED = re.compile(r"accounts/[0-9*]{1,12}(?:/registries/[a-z0-9*-]{1,25})?")
_FIELDS: dict[str, Callable[[FleetAccount], str]] = {
    "account": lambda account: account.account,
    "display_name": lambda account: account.display_name,
    "organizational_unit": lambda account: account.organizational_unit,
    "state": lambda account: str(account.state),
    "source": lambda account: str(account.source),
}


class Matcher(Struct, frozen=True):
    """A selector that was checked."""

    expression: Expression
    listed: tuple[str, ...]
    excluded: tuple[Pattern, ...]

    def selects(self, account: FleetAccount) -> bool:
        """Return whether the filter matches an account, in any state."""
        return holds(self.expression, lambda each: _meets(each, account))

    def matches_account(self, account: FleetAccount) -> bool:
        """Return whether the filter matches an account.

        An account that is gone is in no fleet.
        """
        return account.state is not AccountState.GONE and self.selects(account)

    def matches(self, target: Target) -> bool:
        """Return whether the selector means a registry."""
        return self.matches_account(target.account) and self._takes(target.account, target.region)

    def targets(self, account: FleetAccount) -> Iterator[Target]:
        """Yield the registries of an account that the selector means, by Region."""
        if not self.matches_account(account):
            return
        for region in sorted(set(self.listed or account.regions)):
            if self._takes(account, region):
                yield Target(account, region)

    def _takes(self, account: FleetAccount, region: str) -> bool:
        # A listed Region that the account has not enabled cannot be written; it is taken once it is enabled.
        if (self.listed and region not in self.listed) or (account.regions and region not in account.regions):
            return False
        if not self.listed and not account.regions:
            return False
        names = (f"accounts/{account.account}", f"accounts/{account.account}/registries/{region}")
        return not any(pattern.matches(name) for pattern in self.excluded for name in names)


def matcher(selector: Selector, path: str = "selector") -> Matcher:
    """Return the matcher of a selector.

    InvalidArgument names every violation, at `path`.
    """
    violations: list[Violation] = []
    expression: Expression = Every(())
    try:
        expression = _checked(parse(selector.accounts))
    except StatusError as error:
        violations += [Violation(f"{path}.accounts", each.description) for each in error.violations]
    for at, region in enumerate(selector.regions):
        if partition_of(region) is None:
            text = f"must be an AWS Region such as `us-east-1`, got {shown(region)}"
            violations.append(Violation(f"{path}.regions[{at}]", text))
    for at, name in enumerate(selector.exclude):
        if not _EXCLUDED.fullmatch(name):
            text = (
                "must be an account or a registry such as `accounts/111111111111/registries/us-*`, with `*` for any"
                f" text, got {shown(name)}"
            )
            violations.append(Violation(f"{path}.exclude[{at}]", text))
    if violations:
        raise InvalidArgument(violations)
    return Matcher(expression, selector.regions, tuple(Pattern(name) for name in selector.exclude))


def _checked(expression: Expression) -> Expression:
    """Return the expression with the values of choices in capitals."""
    match expression:
        case Restriction(field, equal, value, has):
            return Restriction(field, equal, _value(field, value, has=has), has)
        case Every(parts):
            return Every(tuple(map(_checked, parts)))
        case Either(parts):
            return Either(tuple(map(_checked, parts)))
        case Negation(part):
            return Negation(_checked(part))


def _value(field: str, value: str, *, has: bool) -> str:
    label = field.startswith(_LABEL) and len(field) > len(_LABEL)
    if field not in _FIELDS and not label:
        known = ", ".join([*sorted(_FIELDS), "labels.NAME"])
        raise InvalidArgument([Violation("filter", f"unknown field {shown(field)}; known are {known}")])
    if "*" in value and not (label and has and value == "*"):
        text = f"{field}: `*` is not supported, got {shown(value)}; `labels.NAME:*` asks whether there is a label"
        raise InvalidArgument([Violation("filter", text)])
    if field not in _CHOICES:
        return value
    if value.upper() not in _CHOICES[field]:
        raise InvalidArgument(
            [Violation("filter", f"{field}: must be one of {', '.join(_CHOICES[field])}, got {shown(value)}")]
        )
    return value.upper()


def _meets(restriction: Restriction, account: FleetAccount) -> bool:
    return _has(restriction, account) is restriction.equal


def _has(restriction: Restriction, account: FleetAccount) -> bool:
    field, value = restriction.field, restriction.value
    actual = account.labels.get(field[len(_LABEL) :]) if field.startswith(_LABEL) else _FIELDS[field](account)
    if actual is None:
        return False
    if restriction.has and field not in _CHOICES:
        return value == "*" or value in actual
    return actual == value
