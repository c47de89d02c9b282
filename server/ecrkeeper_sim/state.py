"""The state of the simulated AWS: accounts, roles, registries, secrets, settings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from ecrkeeper_sim.clock import Clock
from ecrkeeper_sim.cloudtrail_history import History
from ecrkeeper_sim.event_bus import EventBus
from ecrkeeper_sim.organization import Organization
from ecrkeeper_sim.partitions import enabled_by_default, regions_of
from ecrkeeper_sim.sqs_queue import Queues

Json = dict[str, Any]


@dataclass(slots=True)
class Settings:
    """The settings of `PUT /_sim/settings`; durations are in seconds."""

    deletion_mode: str = "time"
    deletion_not_started_seconds: float = 0.3
    deletion_in_progress_seconds: float = 0.3
    deletion_task_vanishes: bool = False
    usage_release_seconds: float = 0.0
    iam_create_lag_seconds: float = 0.0
    iam_create_lag_reads: int = 0
    iam_delete_lag_seconds: float = 0.0
    iam_delete_lag_reads: int = 0
    iam_name_held_seconds: float = 0.0
    ecr_read_lag_seconds: float = 0.0
    ecr_stale_reads: float = 1.0
    empty_replication_creates_role: bool = True
    auto_created_description: str | None = None
    policy_scope: str = "V2"
    policy_scope_v1_writable: bool = False
    cache_rule_quota: int = 50
    template_quota: int = 100
    exclusion_quota: int = 100
    backfill_quota: int = 10
    destination_quota: int = 25
    backfill_preparing_seconds: float = 0.3
    backfill_running_seconds: float = 0.6
    backfill_stopping_seconds: float = 0.3
    backfill_image_count: int = 3
    backfill_failed_images: int = 0
    replication_seconds: float = 0.3
    templates_check_documents: bool = True
    iam_policy: Json | None = None
    unresolvable_principals: list[str] = field(default_factory=list)
    deleted_principals: dict[str, str] = field(default_factory=dict)
    unique_ids_writable: bool = True
    session_seconds: int = 3600
    recording: bool = True
    max_log: int = 10_000
    lookup_events_delay_seconds: float = 0.0
    lookup_events_per_second: float = 2.0
    event_delay_seconds: float = 0.0
    max_events: int = 10_000
    max_queue_messages: int = 100_000
    seed: int | None = None


@dataclass(slots=True)
class Role:
    """An IAM role; `readable_from` and `hidden_reads` simulate eventual consistency."""

    name: str
    path: str
    arn: str
    role_id: str
    created: float
    trust_policy: str
    description: str | None = None
    max_session_duration: int = 3600
    tags: dict[str, str] = field(default_factory=dict)
    attached_policies: dict[str, str] = field(default_factory=dict)
    permissions_boundary: str | None = None
    readable_from: float = 0.0
    hidden_reads: int = 0


@dataclass(slots=True)
class Ghost:
    """A deleted role that reads still show for a while."""

    role: Role
    until: float
    reads: int
    name_held_until: float


@dataclass(slots=True)
class DeletionTask:
    """The asynchronous deletion of one service-linked role."""

    task_id: str
    role_name: str
    started: float
    status: str = "NOT_STARTED"
    reason: str | None = None
    usage: list[Json] = field(default_factory=list)

    @property
    def unfinished(self) -> bool:
        """Return whether the task can still change."""
        return self.status in ("NOT_STARTED", "IN_PROGRESS")


@dataclass(slots=True)
class Secret:
    """A Secrets Manager secret."""

    name: str
    arn: str
    value: str
    version_id: str
    created: float
    description: str | None = None
    kms_key_id: str | None = None


@dataclass(slots=True)
class Registry:
    """The private registry of one account in one Region, in AWS's own shapes."""

    account: str
    region: str
    scope: str
    replication_rules: list[Json] = field(default_factory=list)
    policy: Json | None = None
    scanning: Json = field(default_factory=lambda: {"scanType": "BASIC", "rules": []})
    cache_rules: dict[str, Json] = field(default_factory=dict)
    templates: dict[str, Json] = field(default_factory=dict)
    blob_mounting: str = "DISABLED"
    exclusions: dict[str, float] = field(default_factory=dict)
    signing: Json | None = None
    backfills: dict[str, Json] = field(default_factory=dict)
    repositories: dict[str, Json] = field(default_factory=dict)
    # Images by repository and digest.
    images: dict[str, dict[str, Json]] = field(default_factory=dict)
    unknown_members: dict[str, Json] = field(default_factory=dict)
    released: dict[str, tuple[float, list[str]]] = field(default_factory=dict)
    # The registry before each of its last writes, for reads that lag.
    past: list[tuple[float, Registry]] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """One AWS account."""

    account: str
    roles: dict[str, Role] = field(default_factory=dict)
    ghosts: dict[str, Ghost] = field(default_factory=dict)
    tasks: dict[str, DeletionTask] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    secrets: dict[str, dict[str, Secret]] = field(default_factory=dict)
    enabled_regions: frozenset[str] | None = None
    denied: bool = False
    iam_policy: Json | None = None
    scanning_blocked_by_organization: bool = False

    def region_enabled(self, region: str) -> bool:
        """Return whether the account can use the Region."""
        if self.enabled_regions is None:
            return enabled_by_default(region)
        return region in self.enabled_regions

    def region_status(self, region: str) -> str:
        """Return the RegionOptStatus of the Region."""
        if not self.region_enabled(region):
            return "DISABLED"
        return "ENABLED_BY_DEFAULT" if enabled_by_default(region) else "ENABLED"


class World:
    """All state of one running simulator."""

    def __init__(self, default_account: str = "000000000000", iam_policy: Json | None = None) -> None:
        self.default_account = default_account
        self._iam_policy = iam_policy
        self.clock = Clock()
        self.queues = Queues()
        self.reset()

    def reset(self) -> None:
        """Reset all state, settings and the clock; options of the command line stay."""
        self.clock.restart()
        self.settings = Settings(iam_policy=self._iam_policy)
        self.random = random.Random()
        self.accounts: dict[str, Account] = {}
        self.history = History()
        self.bus = EventBus()
        self.organization = Organization()
        self.queues.clear()

    def configure(self, changes: Json) -> None:
        """Apply changed settings; raises KeyError on an unknown name."""
        known = {f.name for f in fields(Settings)}
        for name, value in changes.items():
            if name not in known:
                raise KeyError(name)
            setattr(self.settings, name, value)
        if "seed" in changes:
            self.random = random.Random(self.settings.seed)

    def account(self, account: str) -> Account:
        """Return the account, which is created on first use."""
        known = self.accounts.get(account)
        if known is None:
            known = self.accounts[account] = Account(account)
        return known

    def registry(self, account: str, region: str) -> Registry:
        """Return the registry, which every account has in every Region."""
        registries = self.account(account).registries
        known = registries.get(region)
        if known is None:
            known = registries[region] = Registry(account, region, self.settings.policy_scope)
        return known

    def listed_regions(self, account: str, partition: str) -> Iterator[tuple[str, str]]:
        """Yield each Region of the partition with its opt-in status for the account."""
        owner = self.account(account)
        extra = {r for r in owner.enabled_regions or () if r not in regions_of(partition)}
        for region in sorted({*regions_of(partition), *extra}):
            yield region, owner.region_status(region)

    def identifier(self, length: int) -> str:
        """Return random capital letters and digits, as in AWS's unique ids."""
        return "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=length))

    def uuid(self) -> str:
        """Return a random UUID."""
        text = f"{self.random.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
