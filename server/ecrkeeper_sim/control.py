"""The control plane under `/_sim/`: JSON over HTTP for tests and demonstrations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ecrkeeper_sim.event_bus import publish
from ecrkeeper_sim.event_control import event_calls
from ecrkeeper_sim.event_samples import opt_in_events, organization_events
from ecrkeeper_sim.faults import Faults
from ecrkeeper_sim.iam_deletion import advance, update_deletions
from ecrkeeper_sim.organization import organization_of, shown_organization
from ecrkeeper_sim.recorder import Recorder
from ecrkeeper_sim.seeding import configure_account, seed_registry, shown_account, shown_registry
from ecrkeeper_sim.state import Json, World

Reply = tuple[int, Any]


class Control:
    """Answers control requests."""

    def __init__(self, world: World, faults: Faults, recorder: Recorder) -> None:
        self._world = world
        self._faults = faults
        self._recorder = recorder
        self._routes: dict[tuple[str, str], Callable[[Any, Mapping[str, str]], Any]] = {
            ("GET", "health"): lambda body, query: {"status": "ok"},
            ("POST", "reset"): self._reset,
            ("GET", "faults"): lambda body, query: {"faults": faults.listed()},
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "requests"): lambda body, query: recorder.since(int(query.get("since", "0"))),
            ("DELETE", "requests"): self._clear_requests,
            ("GET", "settings"): lambda body, query: asdict(world.settings),
            ("PUT", "settings"): self._configure,
            ("GET", "clock"): lambda body, query: {"now": world.clock.now()},
            ("POST", "clock"): self._set_clock,
            ("GET", "organization"): lambda body, query: shown_organization(world.organization),
            ("PUT", "organization"): self._organize,
            ("POST", "deletions"): self._advance_deletions,
            ("GET", "accounts"): lambda body, query: {"accounts": sorted(world.accounts)},
            **event_calls(world),
        }

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Reply:
        """Return the status and the JSON answer to one control request.

        `path` is what follows `/_sim/`.
        """
        try:
            parsed = json.loads(body) if body else {}
            route = self._routes.get((method, path))
            if route is not None:
                return 200, route(parsed, query)
            return self._account(method, path.split("/"), parsed)
        except KeyError as error:
            return 400, {"error": f"unknown or missing member {error.args[0]!r}"}
        except Exception as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def _account(self, method: str, parts: list[str], body: Json) -> Reply:
        if method not in ("GET", "PUT") or parts[0] != "accounts" or len(parts) not in (2, 4):
            return 404, {"error": "no such control resource"}
        account = self._world.account(parts[1])
        update_deletions(self._world, account)
        if len(parts) == 2:
            if method == "PUT":
                before = account.enabled_regions
                configure_account(account, body)
                for event in opt_in_events(self._world, account.account, before, account.enabled_regions):
                    publish(self._world, event)
            return 200, shown_account(account)
        if parts[2] != "registries":
            return 404, {"error": "no such control resource"}
        registry = self._world.registry(parts[1], parts[3])
        if method == "PUT":
            seed_registry(self._world, registry, body)
        return 200, shown_registry(self._world, registry)

    def _reset(self, body: Json, query: Mapping[str, str]) -> Json:
        self._world.reset()
        self._faults.clear()
        self._recorder.clear()
        return {"status": "ok"}

    def _add_faults(self, body: Any, query: Mapping[str, str]) -> Json:
        self._faults.add(body if isinstance(body, list) else [body])
        return {"faults": self._faults.listed()}

    def _clear_faults(self, body: Json, query: Mapping[str, str]) -> Json:
        self._faults.clear()
        return {"faults": []}

    def _clear_requests(self, body: Json, query: Mapping[str, str]) -> Json:
        self._recorder.clear()
        return self._recorder.since(0)

    def _configure(self, body: Json, query: Mapping[str, str]) -> Json:
        self._world.configure(body)
        return asdict(self._world.settings)

    def _organize(self, body: Json, query: Mapping[str, str]) -> Json:
        before, self._world.organization = self._world.organization, organization_of(body)
        for event in organization_events(self._world, before, self._world.organization):
            publish(self._world, event)
        return shown_organization(self._world.organization)

    def _set_clock(self, body: Json, query: Mapping[str, str]) -> Json:
        clock = self._world.clock
        if "frozen" in body:
            (clock.freeze if body["frozen"] else clock.thaw)()
        clock.advance(float(body.get("advance", 0)))
        self._world.queues.wake()
        return {"now": clock.now()}

    def _advance_deletions(self, body: Json, query: Mapping[str, str]) -> Json:
        wanted = body.get("account")
        accounts = [a for a in self._world.accounts.values() if wanted in (None, a.account)]
        return {"moved": [m for a in accounts for m in advance(self._world, a, body.get("role_name"))]}
