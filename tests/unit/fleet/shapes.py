"""Random fleets: accounts, targets, waves."""

from __future__ import annotations

from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.store.fleet_specs import AccountState, Amount, Selector, Wave
from hypothesis import strategies as st

REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
LABELS = st.dictionaries(st.sampled_from(["env", "team"]), st.sampled_from(["prod", "dev", "a", ""]))


def account(number: int, **options: object) -> FleetAccount:
    return FleetAccount(f"{number:012}", **{"regions": REGIONS, **options})  # type: ignore[arg-type]


def accounts() -> st.SearchStrategy[list[FleetAccount]]:
    one = st.builds(
        FleetAccount,
        st.integers(1, 40).map(lambda n: f"{n:012}"),
        labels=LABELS,
        organizational_unit=st.sampled_from(["/workloads/prod", "/workloads/dev", "/sandbox", ""]),
        state=st.sampled_from(list(AccountState)),
        regions=st.lists(st.sampled_from(REGIONS), unique=True).map(tuple),
    )
    return st.lists(one, max_size=12, unique_by=lambda each: each.account)


AMOUNTS = st.one_of(st.integers(0, 5).map(Amount), st.integers(0, 100).map(lambda n: Amount(n, percent=True)))
SELECTORS = st.builds(
    Selector,
    st.sampled_from(["", "labels.env = prod", "account = 000000000003", 'organizational_unit:"/workloads/"']),
    st.lists(st.sampled_from(REGIONS), unique=True).map(tuple),
    st.sampled_from([(), ("accounts/00000000000*",), ("accounts/*/registries/us-*",)]),
)
LIMITS = {"max_concurrent": AMOUNTS | st.none(), "failure_tolerance": AMOUNTS | st.none()}


def waves() -> st.SearchStrategy[list[Wave]]:
    selecting = st.builds(Wave, selector=SELECTORS, **LIMITS)
    sharing = st.builds(Wave, share=AMOUNTS, **LIMITS)
    rest = st.builds(Wave, **LIMITS)
    return st.tuples(st.lists(selecting | sharing, max_size=4), rest, st.lists(sharing, max_size=1)).map(
        lambda parts: [*parts[0], parts[1], *parts[2]]
    )


def targets_of(accounts: list[FleetAccount]) -> list[Target]:
    return [Target(each, region) for each in sorted(accounts, key=lambda a: a.account) for region in each.regions]
