"""The declaration of a target: rendered and checked; pure.

The checks are those of a call that declares it.
"""

from __future__ import annotations

from ecrkeeper.v1 import settings_pb2

from ecrkeeper_server.declarations import message_rules
from ecrkeeper_server.declarations.commands import violations
from ecrkeeper_server.errors import Violation, first_violations
from ecrkeeper_server.fleet.targets import Target
from ecrkeeper_server.fleet.template import Chosen, Templates
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.codec import filling_settings
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import Steps


class Renderer:
    """Renders and checks the settings of any number of targets.

    The field rules do not depend on the registry, so a setting without placeholders meets them once.
    """

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        # The ids of shapes, which the templates keep: several of them may share a setting.
        self._checked: set[int] = set()

    def rendering(self, target: Target) -> Steps[Json]:
        """Return the settings of a target in steps.

        MissingLabelError names a label that its account lacks.
        """
        return self._templates.rendering(target)

    def checking(self, target: Target, settings: Json, path: str) -> Steps[list[Violation]]:
        """Return every violation of the rendered settings of a target, in steps.

        They are those of the field rules, and those that AWS never takes.
        """
        by_rules = yield from self._checking_rules(self._templates.chosen(target), settings, path)
        if by_rules:
            # AWS's rules assume what the field rules say.
            return by_rules
        violated: list[Violation] = []
        for name, shape in settings.items():
            yield
            prepare = SETTINGS[name].prepare
            if prepare is not None:
                yield from prepare(shape, target.registry)
            violated += violations(target.registry, {name: shape}, path)
        return first_violations(violated) if violated else []

    def _checking_rules(self, chosen: Chosen, settings: Json, path: str) -> Steps[list[Violation]]:
        violated: list[Violation] = []
        for name, shape in settings.items():
            if id(chosen.settings[name]) in self._checked:
                continue
            # The rules are those of each setting: none of them concerns several.
            message = settings_pb2.Settings()
            yield from filling_settings(message, {name: shape})
            yield
            by_rules = message_rules.violations(message)
            violated += by_rules
            if name not in chosen.rendered and not by_rules:
                self._checked.add(id(chosen.settings[name]))
        found = first_violations(violated) if violated else []
        return [Violation(f"{path}.{each.field}", each.description, each.reason) for each in found]
