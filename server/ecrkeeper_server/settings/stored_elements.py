"""The stored form of elements and of keys, by setting.

Up to `FEW` elements are stored one by one, as release 0.1.0 stored all of them. More pairs are stored as products of
destinations and filters; the whole member is then a list that begins with its version. Release 0.1.0 fails on such a
list instead of misreading the owners of elements. This release reads both forms, and a row changes its form when an
attempt next writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.settings.elements import FEW, Elements, Keys
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pair_products import products
from ecrkeeper_server.settings.pairs import PairElements

VERSION = 2


def dump_elements(by_setting: Mapping[str, Elements]) -> Any:
    """Return elements as they are stored."""
    return _versioned({name: elements_json(elements) for name, elements in by_setting.items()}, dict)


def load_elements(stored: Any) -> dict[str, Elements]:
    """Read stored elements."""
    return {name: elements_of(value) for name, value in _unversioned(stored).items()}


def elements_of(stored: Any) -> Elements:
    """Read the elements of one setting."""
    return PairElements.union(tuple(each) for each in stored) if isinstance(stored, list) else stored


def dump_keys(by_setting: Mapping[str, Iterable[str]]) -> Any:
    """Return keys as they are stored."""
    return _versioned({name: _keys_json(keys) for name, keys in by_setting.items()}, list)


def load_keys(stored: Any) -> dict[str, Keys]:
    """Read stored keys."""
    return {
        name: PairKeys.product(value["products"]) if isinstance(value, Mapping) else frozenset(value)
        for name, value in _unversioned(stored).items()
    }


def pairs_json(pairs: PairKeys | None) -> dict[str, Any]:
    """Return the member `pairs` of a stored change or difference, if it has any."""
    return {} if pairs is None else {"pairs": _products(pairs)}


def pairs_of(stored: Mapping[str, Any]) -> PairKeys | None:
    """Read the pairs of a stored change or difference; None if it is of one element."""
    return PairKeys.product(stored["pairs"]) if "pairs" in stored else None


def elements_json(elements: Elements) -> Any:
    """Return the elements of one setting as they are stored in a list or alone."""
    if type(elements) is PairElements and len(elements) > FEW:
        return [[list(lefts), list(rights), value] for lefts, rights, value in elements.products()]
    return dict(elements)


def _keys_json(keys: Iterable[str]) -> Any:
    if type(keys) is PairKeys and len(keys) > FEW:
        return {"products": _products(keys)}
    return sorted(keys)


def _products(keys: PairKeys) -> list[list[list[str]]]:
    return [[list(lefts), list(rights)] for lefts, rights in products(keys)]


def _versioned(members: dict[str, Any], plain: type) -> Any:
    return members if all(isinstance(each, plain) for each in members.values()) else [VERSION, members]


def _unversioned(stored: Any) -> Mapping[str, Any]:
    if not isinstance(stored, list):
        return stored or {}
    version, members = stored
    if version != VERSION:
        raise ValueError(f"stored elements have version {version}, and this release reads up to {VERSION}")
    return dict(members)
