"""Put an unchanged setting, to find out whether events arrive.

Where events arrive, the event of the Put comes back within seconds.
"""

from __future__ import annotations

import structlog

from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.document_writes import DocumentWriter, aws_write
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import keys_of
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.turns import work

log = structlog.get_logger("ecrkeeper.events")

# The reason of the audit event.
REASON = "EVENT_PROBE"
# A Put of a policy or of scanning has no side effect; one of replication can create a role.
_PREFERRED = ("registry_policy", "scanning_configuration")


async def probe(attempt: Attempt, progress: Progress, state: RegistryState) -> RegistryState:
    """Put one owned document as it is; return the state with the time.

    Only call it for a registry in sync. If AWS rejects the Put, or the document has changed since it was observed,
    the next one follows a day later. Raises LeaseLostError.
    """
    setting = _document(progress)
    if setting is None:
        return state
    observed = progress.observed[setting.name]
    unchanged = Plan(setting.name, observed.elements, (), {}, ())
    call = await work().run(setting.putting(unchanged, observed.shape), attempt.elements)
    write = aws_write(attempt, progress, setting.name, call)
    write.reason = REASON
    declared = keys_of(progress.composition.desired[setting.name])
    write.owners = sorted(progress.composition.owners_of_any(setting.name, declared))
    state = state.changed(probed_at=attempt.now)
    await attempt.record([write], state)
    try:
        await attempt.send(write, DocumentWriter(attempt, progress, setting).reread)
    except AwsError as error:
        log.warning("event_probe_failed", resource=attempt.claimed.name, reason=error.reason, error=error.message)
    return state


def _document(progress: Progress) -> Document | None:
    """Return the setting to put; None if the registry has no document of ours."""
    owned = [
        setting
        for name in progress.plans
        if isinstance(setting := SETTINGS[name], Document)
        and progress.composition.desired.get(name)
        and progress.applied.get(name)
        and not progress.observed[name].unknown
    ]
    return min(owned, key=lambda setting: setting.name not in _PREFERRED, default=None)
