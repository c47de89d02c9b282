"""Find the settings that apply to one repository name.

Each setting matches names in its own way. Facts: "Private image
replication", "Configuring repository filters" (scanning), "Templates to
control repositories" and "Managed signing" in the ECR user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from ecrkeeper_server.settings import globs, prefixes, signing
from ecrkeeper_server.settings.elements import Elements, keys_of
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.prefixes import ROOT
from ecrkeeper_server.settings.scanning import DEFAULTS, SCAN_TYPE
from ecrkeeper_server.turns import Steps

TEMPLATES = "repository_creation_templates"
RULES = "pull_through_cache_rules"
SCANNING = "scanning_configuration"
REPLICATION = "replication_configuration"
SIGNING = "signing_configuration"
EXCLUSIONS = "pull_time_update_exclusions"
# Elements of a step; a pattern is compared with up to 256 characters.
_AT_ONCE = 50


class Reference(Struct, frozen=True):
    """An element, by its setting and key."""

    setting: str
    key: str


class Explanation(Struct, frozen=True):
    """The settings that apply to a repository.

    `scan_frequency` is None if ENHANCED scanning excludes the repository.
    `upstream_repository` is the repository that a pull through the cache rule reads.
    """

    repository_creation_template: Reference | None
    scanning_rules: tuple[Reference, ...]
    scan_frequency: str | None
    replication_pairs: tuple[Reference, ...]
    pull_through_cache_rule: Reference | None
    upstream_repository: str | None
    signing_rules: tuple[Reference, ...]
    pull_time_update_exclusions: tuple[Reference, ...]


def explaining(repository: str, settings: Mapping[str, Elements]) -> Steps[Explanation]:
    """Return the elements that apply to a repository, in steps.

    Absent settings count as empty.
    """
    scanning = settings.get(SCANNING, {})
    matching = yield from _chosen(scanning, lambda key: key != SCAN_TYPE and _scans(key.partition(":")[2], repository))
    signed = yield from _chosen(
        settings.get(SIGNING, {}), lambda key: globs.matches(signing.pair_of(key)[1] or "*", repository)
    )
    template = prefixes.most_specific(settings.get(TEMPLATES, {}), repository)
    rule = prefixes.most_specific(settings.get(RULES, {}), repository)
    yield
    return Explanation(
        repository_creation_template=Reference(TEMPLATES, template) if template else None,
        scanning_rules=tuple(Reference(SCANNING, key) for key in matching),
        scan_frequency=_frequency(scanning, matching),
        replication_pairs=tuple(
            Reference(REPLICATION, key)
            for key in PairKeys.of(keys_of(settings.get(REPLICATION, {}))).of_rights(repository.startswith)
        ),
        pull_through_cache_rule=Reference(RULES, rule) if rule else None,
        upstream_repository=_upstream(rule, settings[RULES], repository) if rule else None,
        signing_rules=tuple(Reference(SIGNING, key) for key in signed),
        pull_time_update_exclusions=tuple(Reference(EXCLUSIONS, key) for key in sorted(settings.get(EXCLUSIONS, {}))),
    )


def _chosen(keys: Iterable[str], applies: Callable[[str], bool]) -> Steps[list[str]]:
    chosen = []
    for at, key in enumerate(sorted(keys)):
        if at % _AT_ONCE == 0:
            yield
        if applies(key):
            chosen.append(key)
    return chosen


def _scans(pattern: str, repository: str) -> bool:
    # A scanning filter without a wildcard matches anywhere in the name.
    return globs.matches(pattern, repository) if "*" in pattern else pattern in repository


def _frequency(scanning: Elements, matching: list[str]) -> str | None:
    frequencies = {key.partition(":")[0] for key in matching}
    for frequency in ("CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL"):
        if frequency in frequencies:
            return frequency
    return "MANUAL" if scanning.get(SCAN_TYPE, DEFAULTS[SCAN_TYPE]) == "BASIC" else None


def _upstream(rule: str, rules: Elements, repository: str) -> str:
    rest = repository if rule == ROOT else repository.removeprefix(rule + "/")
    prefix = rules[rule].get("upstreamRepositoryPrefix", ROOT)
    return rest if prefix == ROOT else f"{prefix}/{rest}"
