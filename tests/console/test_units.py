"""The pure parts of the console: cookies, hosts, searches, differences."""

from __future__ import annotations

import pytest
from ecrkeeper_server.console.diff import sides
from ecrkeeper_server.console.guard import Guard
from ecrkeeper_server.console.search import filter_of
from ecrkeeper_server.console.session import Cookies, Kind, Sealer


async def _key() -> bytes:
    return b"k" * 32


async def _other() -> bytes:
    return b"o" * 32


async def test_seal_is_for_one_installation_and_one_use() -> None:
    sealed = await Sealer(_key).sealed(Kind.SESSION, "token")
    assert await Sealer(_key).opened(Kind.SESSION, sealed) == "token"
    assert await Sealer(_key).opened(Kind.LOGIN, sealed) is None
    assert await Sealer(_other).opened(Kind.SESSION, sealed) is None
    assert sealed != await Sealer(_key).sealed(Kind.SESSION, "token")


def test_cookie_over_tls_is_bound_to_the_host() -> None:
    (cookie,) = Cookies(secure=True).headers({}, "value", 60)
    assert cookie.startswith("__Host-ecrkeeper=value; ")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert Cookies(secure=True).read({"ecrkeeper": "planted"}) == "", "a plain page may have set it"


HOSTS = [
    ("", "127.0.0.1:8080", True, "an address"),
    ("", "[::1]:8080", True, "an IPv6 address"),
    ("", "localhost:8080", True, "this machine"),
    ("", "localhost.evil.example", False, "a name that begins alike"),
    ("", "evil.example", False, "a name"),
    ("", "", False, "nothing"),
    ("", "[", False, "no host"),
    ("https://ecr.example.com", "ecr.example.com", True, "the configured name"),
    ("https://ecr.example.com", "ECR.example.com", True, "names have no case"),
    ("https://ecr.example.com", "127.0.0.1", False, "only the configured name"),
    ("https://ecr.example.com", "ecr.example.com.evil.example", False, "a longer name"),
]


@pytest.mark.parametrize(("url", "host", "served", "reason"), HOSTS)
def test_guard_serves_its_host_only(url: str, host: str, served: bool, reason: str) -> None:
    assert Guard(url, 8192)._serves(host) is served, reason


SEARCHES = [
    ("", "", "nothing"),
    ("111111111111", "account = 111111111111", "an account"),
    ("eu-west-1", 'region = "eu-west-1"', "a Region"),
    ("AWS_ACCESS_DENIED", "reason = AWS_ACCESS_DENIED", "a reason"),
    ("team-a", 'owner = "team-a"', "an owner"),
    ("111111111111 team-a", 'account = 111111111111 AND owner = "team-a"', "several words"),
    ("drift = true", "drift = true", "a filter"),
    ("NOT team-a", "NOT team-a", "a filter that is invalid"),
    ("a;b", "a;b", "a word that no name can be"),
]


@pytest.mark.parametrize(("text", "expected", "reason"), SEARCHES)
def test_search_becomes_a_filter(text: str, expected: str, reason: str) -> None:
    assert filter_of(text, "owner") == expected, reason


def test_sides_mark_differences() -> None:
    compared = sides("{\n  a\n  b\n}", "{\n  a\n  c\n}")
    assert compared.left is not None
    assert compared.right is not None
    assert [run.text for run in compared.left if run.changed] == ["  b"]
    assert [run.text for run in compared.right if run.changed] == ["  c"]
    assert sides("a", "a").same
    assert sides(None, "a").left is None


def test_sides_of_long_values_are_not_compared() -> None:
    lines = [str(number) for number in range(1000)]
    compared = sides("\n".join(lines), "\n".join(reversed(lines)))
    assert compared.left is not None
    assert not any(run.changed for run in compared.left)


def test_sides_of_similar_lines_mark_what_the_other_lacks() -> None:
    left, right = (["{"] + [f"{side}{at}" for at in range(20) for _ in range(3)] + ["}"] for side in ("a", "b"))
    compared = sides("\n".join([*left[:-1], *["same"] * 100, "}"]), "\n".join([*right[:-1], *["same"] * 99, "}"]))
    assert compared.left is not None
    assert compared.right is not None
    assert [run.text.split("\n") for run in compared.right if run.changed] == [right[1:-1]]
    changed = [line for run in compared.left if run.changed for line in run.text.split("\n")]
    assert changed == [*left[1:-1], "same"]
