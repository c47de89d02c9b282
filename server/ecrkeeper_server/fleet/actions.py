"""The change that a rollout makes in each registry; pure."""

from __future__ import annotations

from msgspec import Struct

from ecrkeeper_server.declarations.audit_records import changing_settings
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.plan import removes
from ecrkeeper_server.fleet.template import MissingLabelError, Templates
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.store.rollout_rows import Action, Cause
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.turns import Steps, finish


class Step(Struct, frozen=True):
    """One change; `removes` if it takes elements away that no call removes."""

    action: Action
    removes: bool = False


class Actions:
    """Decides for the registries of one rollout."""

    def __init__(self, name: SetName, spec: SetSpec, cause: Cause, revision: int) -> None:
        self._name = name
        self._spec = spec
        self._cause = cause
        self._revision = revision
        self._templates = Templates(spec)

    def of(self, place: Place) -> Step | None:
        """Return what the rollout does with a registry; None for nothing."""
        return finish(self.deciding(place))

    def deciding(self, place: Place) -> Steps[Step | None]:
        """Return the same in steps."""
        managed = place.managed_by(self._name)
        if self._cause is Cause.DELETION or not place.matched:
            removing = self._spec.deletion_policy != "ABANDON" and place.target.account.writable
            return None if managed is None else Step(Action.RELEASE, removing)
        if self._cause is not Cause.GROWTH or managed is None or (managed.set_revision or 0) < self._revision:
            return Step(Action.APPLY)
        return (yield from self._rendered_again(place, managed)) if managed.set_revision == self._revision else None

    def _rendered_again(self, place: Place, managed: Declaration) -> Steps[Step | None]:
        """Return the change of a registry whose labels are others than before."""
        try:
            settings = yield from self._templates.rendering(place.target)
        except MissingLabelError:
            # The target fails with the name of the label, and keeps its declaration.
            return Step(Action.APPLY)
        yield
        if settings == managed.settings:
            return None
        changes = yield from changing_settings(managed.settings, settings)
        return Step(Action.APPLY, removes(changes))
