"""Authorization: rules and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.names import WILDCARD


class Verb(StrEnum):
    """The permissions. No verb includes another."""

    READ = "read"
    WRITE = "write"
    FORCE = "force"
    DELETE_ROLE = "delete-role"
    ADMIN = "admin"
    APPROVE = "approve"


def is_spiffe(name: str) -> bool:
    """Return whether a name is a SPIFFE id, in any case.

    Only the URI of a certificate may be such a name.
    """
    return name.lower().startswith("spiffe://")


class Principal(Struct, frozen=True):
    """An authenticated caller, or an anonymous one without a name.

    `expires` is the expiry of the token, in seconds since 1970.
    """

    name: str = ""
    groups: frozenset[str] = frozenset()
    expires: float | None = None


class Target(Struct, frozen=True):
    """The resource of a permission.

    An empty part does not apply: a role has no Region, a registry as a whole has no owner. A part
    `-` means any: the policy then decides whether at least one matching resource is allowed.
    """

    account: str = ""
    region: str = ""
    owner: str = ""

    def __str__(self) -> str:
        if not self.account:
            return "the installation"
        name = f"accounts/{self.account}"
        if self.region:
            name += f"/registries/{self.region}"
        return name + (f"/settings/{self.owner}" if self.owner else "")


class Rule(Struct, frozen=True):
    """Allows verbs to principals and groups, within accounts, Regions and owners."""

    name: str
    principals: tuple[Pattern, ...]
    groups: tuple[Pattern, ...]
    verbs: frozenset[Verb]
    accounts: tuple[Pattern, ...] = (Pattern.every(),)
    regions: tuple[Pattern, ...] = (Pattern.every(),)
    owners: tuple[Pattern, ...] = (Pattern.every(),)

    def names(self, principal: Principal) -> bool:
        """Return whether the rule applies to a principal or one of its groups."""
        return any(pattern.matches(principal.name) for pattern in self.principals) or any(
            pattern.matches(group) for pattern in self.groups for group in principal.groups
        )

    def covers(self, target: Target) -> bool:
        """Return whether the rule applies to a target."""
        return (
            _meets(self.accounts, target.account)
            and _meets(self.regions, target.region)
            and _meets(self.owners, target.owner)
        )


class Policy(Struct, frozen=True):
    """The rules; everything that no rule allows is denied."""

    rules: tuple[Rule, ...]

    def rules_for(self, principal: Principal, verb: Verb) -> tuple[Rule, ...]:
        """Return the rules that give a principal a verb somewhere."""
        return tuple(rule for rule in self.rules if verb in rule.verbs and rule.names(principal))


class Decision(Struct, frozen=True):
    """A decision, and its reasons for people.

    The reasons are the rule that allows the action, or why each rule does not match.
    """

    allowed: bool
    reasons: tuple[str, ...]


def decide(policy: Policy, principal: Principal, verb: Verb, target: Target) -> Decision:
    """Return whether the policy allows it, and why."""
    for rule in policy.rules_for(principal, verb):
        if rule.covers(target):
            reason = f"the rule {rule.name!r} allows {principal.name!r} to {verb} {target}"
            return Decision(True, (reason,))
    return Decision(False, _denials(policy, principal, verb, target))


def _meets(patterns: Sequence[Pattern], value: str) -> bool:
    if value == WILDCARD or any(pattern.is_every for pattern in patterns):
        return True
    # A rule with `owners` matches only declarations, and a rule with `regions` no roles: a
    # permission on one owner's declarations must not extend to the registry, which belongs to all
    # owners.
    return value != "" and any(pattern.matches(value) for pattern in patterns)


def _denials(policy: Policy, principal: Principal, verb: Verb, target: Target) -> tuple[str, ...]:
    naming = [rule for rule in policy.rules if rule.names(principal)]
    if not naming:
        groups = ", ".join(sorted(principal.groups))
        return (f"no rule names {principal.name!r}" + (f" or one of its groups {groups}" if groups else ""),)
    return tuple(_lack(rule, verb, target) for rule in naming)


def _lack(rule: Rule, verb: Verb, target: Target) -> str:
    if verb not in rule.verbs:
        return f"the rule {rule.name!r} allows {', '.join(sorted(rule.verbs))}, not {verb}"
    lacks = [
        f"{dimension} {_list(patterns)}, {f'not {value}' if value else f'and {target} is not of one {singular}'}"
        for dimension, singular, patterns, value in (
            ("accounts", "account", rule.accounts, target.account),
            ("regions", "Region", rule.regions, target.region),
            ("owners", "owner", rule.owners, target.owner),
        )
        if not _meets(patterns, value)
    ]
    return f"the rule {rule.name!r} allows {verb} only for {'; and only for '.join(lacks)}"


def _list(patterns: Sequence[Pattern]) -> str:
    shown = ", ".join(pattern.text for pattern in patterns[:5])
    return shown + (f" and {len(patterns) - 5} more" if len(patterns) > 5 else "")
