"""One registry: its owners, elements, drift, and repositories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.console.digests import digest_of
from ecrkeeper_server.console.elements import Row, change_rows, drift_rows, element_rows
from ecrkeeper_server.console.json_text import pretty
from ecrkeeper_server.console.view import Page, View, digest_query
from ecrkeeper_server.turns import Steps

_SERVICE = "RegistrySettingsService"
# The page has so many elements; a page of its own lists all.
_ELEMENTS, _REVISIONS = 100, 20


def name_of(view: View) -> str:
    """Return the name of the registry that the path names."""
    return f"accounts/{view.path_params['account']}/registries/{view.path_params['region']}"


async def registry(view: View) -> Page:
    """Show one registry."""
    request = pb.GetRegistryRequest(name=name_of(view), view=registry_pb2.FULL)
    registry = await view.call(f"{_SERVICE}.GetRegistry", request)
    return Page("registry.html", _title(view), await view.work.run(registry_values(registry)))


def _title(view: View) -> str:
    return f"{view.path_params['account']} {view.path_params['region']}"


def registry_values(registry: registry_pb2.Registry) -> Steps[dict[str, Any]]:
    """Return what the template shows of a registry, in steps."""
    digest = yield from digest_of(registry)
    yield
    rows = yield from element_rows(registry.elements[:_ELEMENTS], registry.drift)
    return {
        "registry": registry,
        "live": digest_query(digest),
        "drift": (yield from drift_rows(registry.drift[:_ELEMENTS])),
        "remediated": (yield from drift_rows(registry.last_remediation.drift[:_ELEMENTS])),
        "elements": rows,
        "more_elements": max(0, sum(each.count for each in registry.element_counts) - len(rows)),
    }


async def elements(view: View) -> Page:
    """Show the elements of one registry, with a filter."""
    request = pb.ListRegistryElementsRequest(
        parent=name_of(view), page_size=_ELEMENTS, page_token=view.text("page"), filter=_element_filter(view.text("q"))
    )
    listed, error = await view.listed(f"{_SERVICE}.ListRegistryElements", request)
    values = {
        "name": name_of(view),
        "elements": await view.work.run(element_rows(listed.elements)) if listed is not None else [],
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": view.text("q"),
    }
    return Page("elements.html", f"Elements of {_title(view)}", values)


_STATES = ("IN_SYNC", "OUT_OF_SYNC", "UNMANAGED", "REMOVING")


def _element_filter(text: str) -> str:
    """Return the filter for a state, a setting, an owner, or a filter itself."""
    if text.upper() in _STATES:
        return f"state = {text.upper()}"
    if text and not set(text) & set('=:"()'):
        field = "setting" if "_" in text else "owner"
        return f'{field} = "{text}"'
    return text


_ONE_EACH = {"repository_creation_template": "Creation template", "pull_through_cache_rule": "Pull-through cache rule"}


async def explain(view: View) -> Page:
    """Show the settings that apply to one repository."""
    repository = view.text("repository")
    explanation = error = None
    if repository:
        request = pb.ExplainRepositoryRequest(name=name_of(view), repository=repository)
        explanation, error = await view.tried(f"{_SERVICE}.ExplainRepository", request)
        if error is not None and error.code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            raise error
    settings = await view.work.run(_one_each(explanation)) if explanation is not None else []
    values = {
        "name": name_of(view),
        "repository": repository,
        "explanation": explanation,
        "settings": settings,
        "error": error,
    }
    return Page("explain.html", f"Explain a repository in {_title(view)}", values)


def _one_each(explanation: Any) -> Steps[list[tuple[str, Any, str]]]:
    """Return the titles, elements and values of single settings, in steps."""
    settings = []
    for field, title in _ONE_EACH.items():
        element = getattr(explanation, field)
        text = (yield from pretty(element.value)) if element.HasField("value") else ""
        settings.append((title, element, text))
    return settings


async def declaration(view: View) -> Page:
    """Show the declaration of one owner, and its revisions with their changes."""
    name = f"{name_of(view)}/settings/{view.path_params['owner']}"
    request = pb.ListRegistrySettingsRevisionsRequest(name=name, page_size=_REVISIONS, page_token=view.text("page"))
    (declared, missing), listed = (
        await view.tried(f"{_SERVICE}.GetRegistrySettings", pb.GetRegistrySettingsRequest(name=name)),
        await view.call(f"{_SERVICE}.ListRegistrySettingsRevisions", request),
    )
    if missing is not None and (missing.code != "NOT_FOUND" or not listed.revisions):
        raise missing
    values = {
        "name": name,
        "registry_name": name_of(view),
        "owner": view.path_params["owner"],
        "declaration": declared,
        "settings": await view.work.run(pretty(declared.settings)) if declared is not None else "",
        "revisions": await view.work.run(revision_values(listed.revisions)),
        "next": listed.next_page_token,
    }
    return Page("declaration.html", f"{view.path_params['owner']} in {_title(view)}", values)


def revision_values(revisions: Iterable[Any]) -> Steps[list[tuple[Any, list[Row]]]]:
    """Return revisions, each with the rows of its changes, in steps."""
    values = []
    for each in revisions:
        values.append((each, (yield from change_rows(each.changes[:_ELEMENTS]))))
    return values
