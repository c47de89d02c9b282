"""The sizes of each benchmark: full, quick, and tiny for the tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one run; the defaults are the full sizes."""

    name: str = "full"
    databases: list[str] = field(default_factory=lambda: ["sqlite", "postgres"])
    rounds: int = 5
    # fleet_sweep
    latencies: tuple[float, ...] = (0.0, 0.05)
    fleet: int = 1_000
    clients: int = 200
    threads_block: int = 400
    floor_calls: int = 3_000
    growth: tuple[int, ...] = (1_000, 10_000, 100_000)
    growth_block: int = 1_000
    growth_rounds: int = 20
    # api
    registries: int = 1_000
    callers: tuple[int, ...] = (1, 32, 256)
    api_replicas: tuple[int, ...] = (1, 2)
    load_seconds: float = 2.0
    warm_up: float = 0.5
    watches: int = 1_000
    # largest_declaration
    largest_calls: int = 30
    # apply_latency
    apply_sweep: int = 10_000
    applies: int = 100
    # neighbours
    neighbour_seconds: float = 10.0
    neighbour_callers: int = 32
    neighbour_watches: int = 1_000
    neighbour_rules: int = 120_000
    neighbour_owners: int = 2_000
    # takeover and scaling
    replicas: int = 3
    takeover_rounds: int = 5
    takeover_rows: int = 1_000
    takeover_lease: int = 5
    scaling_block: int = 1_000
    scaling_cases: tuple[str, ...] = ("waiting for AWS", "bound by CPU")
    # rollout
    rollout: tuple[int, ...] = (1_000, 10_000, 100_000)
    # consoles
    consoles: int = 200
    console_registries: int = 150_000
    console_changes: int = 20
    page_loads: int = 9
    # get_fleet
    view_registries: int = 150_000
    view_calls: int = 40
    # transport
    transport_calls: int = 3_000
    transport_rounds: int = 10
    # event_drift
    event_registries: int = 1_000
    event_rate: float = 100.0
    event_messages: int = 10_000
    event_sweep: int = 10_000
    # startup
    starts: int = 7
    imports: int = 5
    idle_seconds: float = 30.0


FULL = Sizes()
QUICK = Sizes(
    name="quick",
    rounds=3,
    clients=60,
    growth=(1_000, 10_000),
    growth_rounds=3,
    load_seconds=1.0,
    warm_up=0.3,
    apply_sweep=3_000,
    applies=40,
    neighbour_seconds=4.0,
    takeover_rounds=2,
    scaling_block=400,
    largest_calls=8,
    rollout=(1_000, 5_000),
    console_registries=10_000,
    console_changes=10,
    page_loads=5,
    view_registries=20_000,
    transport_rounds=5,
    event_registries=200,
    event_messages=3_000,
    event_sweep=2_000,
    starts=3,
    idle_seconds=15.0,
)
SMOKE = Sizes(
    name="smoke",
    databases=["sqlite"],
    rounds=1,
    latencies=(0.0,),
    fleet=20,
    clients=2,
    threads_block=4,
    floor_calls=6,
    growth=(20,),
    growth_block=20,
    growth_rounds=1,
    registries=40,
    callers=(2,),
    load_seconds=0.2,
    warm_up=0.1,
    watches=20,
    largest_calls=2,
    apply_sweep=20,
    applies=2,
    neighbour_seconds=0.5,
    neighbour_callers=4,
    neighbour_watches=20,
    neighbour_rules=2_000,
    neighbour_owners=100,
    replicas=2,
    takeover_rounds=1,
    takeover_rows=40,
    takeover_lease=1,
    scaling_block=20,
    rollout=(40,),
    consoles=6,
    console_registries=40,
    console_changes=2,
    page_loads=1,
    view_registries=120,
    view_calls=2,
    transport_calls=40,
    transport_rounds=1,
    scaling_cases=("waiting for AWS",),
    event_registries=3,
    event_messages=20,
    event_sweep=20,
    starts=1,
    imports=1,
    idle_seconds=0.5,
)
