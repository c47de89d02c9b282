"""The declaration of a target: rendered and checked; pure.

The checks are those of a call that declares it.
"""

from __future__ import annotations

from ecrkeeper_server.declarations import message_rules
from ecrkeeper_server.declarations.commands import violations
from ecrkeeper_server.errors import Violation
from ecrkeeper_server.fleet.targets import Target
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.codec import settings_from_aws


def violations_of(target: Target, settings: Json, path: str) -> list[Violation]:
    """Return every violation of the settings of a target.

    They are those of the field rules, and those that AWS never takes.
    """
    by_rules = [
        Violation(f"{path}.{each.field}", each.description, each.reason)
        for each in message_rules.violations(settings_from_aws(settings))
    ]
    # AWS's rules assume what the field rules say.
    return by_rules or violations(target.registry, settings, path)
