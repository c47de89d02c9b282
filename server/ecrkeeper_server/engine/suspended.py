"""Write nothing on behalf of registry sets to a suspended account."""

from __future__ import annotations

from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.setting_errors import of_changes
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.store import fleet_accounts
from ecrkeeper_server.store.fleet_specs import AccountState
from ecrkeeper_server.store.resources import SUSPENDED


async def is_suspended(attempt: Attempt, progress: Progress) -> bool:
    """Return whether a set declares in the registry, and its account is suspended.

    All planned changes then have an error, because the settings of a registry are written as a whole.
    """
    if not any(declared.managed_by for declared in progress.declared):
        return False
    account = attempt.claimed.account
    if await attempt.db.read(lambda tx: fleet_accounts.state_of(tx, account)) != AccountState.SUSPENDED:
        return False
    text = f"accounts/{account} is {AccountState.SUSPENDED}; ecrkeeper writes again once it is {AccountState.ACTIVE}"
    error = Permanent(text, reason=SUSPENDED)
    for name, planned in progress.plans.items():
        if planned.changes:
            suspension = of_changes(progress.composition, name, planned.changes, error)
            progress.errors[name] = [*progress.errors.get(name, ()), suspension]
    return True
