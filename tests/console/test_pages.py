"""The pages of the console, without a browser."""

from __future__ import annotations

import re

import pytest

from tests.console.world import ACCOUNT, OTHER, REGISTRY, World

SHOWN = [
    ("fleet", ["us-east-1", ACCOUNT, OTHER, "Blocked|Out of sync"], "the map has every registry"),
    ("registry", ["team-a", "team-b", "registry_policy", "ecr:CreateRepository", "ecr:ReplicateImage"], "both values"),
    ("registry", ["Desired", "Observed", "out of sync", "OBSERVE|observe", "Quotas"], "the state of its elements"),
    ("elements", ["pull_through_cache_rules", "quay"], "elements of all settings"),
    ("explain", [f"{OTHER}", "eu-west-1", "prod-team/app"], "where the images of a repository arrive"),
    ("declaration", ["Revision 2", "Before", "After", "UpdateRegistrySettings"], "the history with its changes"),
    ("roles", ["replication", "created|active"], "the roles"),
    ("role", ["AWSServiceRoleForECRReplication", "platform"], "the role as AWS has it"),
    ("usage", ["us-east-1", "in use"], "the Regions that use it"),
    ("topology", ["eu-west-1", "one-sided"], "who replicates to whom"),
    ("rollouts", ["baseline"], "the registry sets"),
    ("set", ["Selector and settings", "labels.stage"], "what the set declares"),
    ("rollout", ["Waves", "succeeded|pending|running"], "how far a rollout is"),
    ("operations", ["ReconcileRegistry", "succeeded"], "the operations"),
    ("operation", ["ReconcileRegistry", REGISTRY.split("/")[1]], "an operation"),
    ("audit", ["UpdateRegistrySettings", "ecr:PutRegistryPolicy"], "calls and writes"),
    ("event", ["Changes", "Before"], "the changes of an event"),
]


@pytest.mark.parametrize(("page", "words", "reason"), SHOWN)
def test_page_shows_its_resources(console: World, page: str, words: list[str], reason: str) -> None:
    answer = console.browser().get(console.pages()[page])
    assert answer.status == 200
    assert [word for word in words if not re.search(word, answer.body)] == [], reason


FILTERS = [
    ("/console/?q=222222222222", OTHER, ACCOUNT, "an account"),
    ("/console/?q=eu-central-1", "eu-central-1", "us-east-1", "a Region"),
    ("/console/?q=team-b", ACCOUNT, OTHER, "an owner"),
    ("/console/?q=account+%3D+111111111111+AND+drift+%3D+true", ACCOUNT, OTHER, "a filter"),
    ("/console/?state=drift", ACCOUNT, OTHER, "a state"),
    (f"/console/{REGISTRY}/elements?q=OUT_OF_SYNC", "registry_policy", "quay", "a state of elements"),
    (f"/console/{REGISTRY}/elements?q=pull_through_cache_rules", "quay", "Replicate", "a setting"),
    ("/console/operations?q=done+%3D+false", "No operation matches", "succeeded", "operations"),
    ("/console/audit?q=kind+%3D+AWS_WRITE", "ecr:Put", "UpdateRegistrySettings", "kinds of events"),
    ("/console/roles?q=state+%3D+ABSENT", "No role matches", "AWSServiceRole", "roles"),
]


@pytest.mark.parametrize(("path", "present", "absent", "reason"), FILTERS)
def test_search_runs_on_the_server(console: World, path: str, present: str, absent: str, reason: str) -> None:
    results = console.browser().get(path).body.partition('id="results"')[2]
    assert present in results, reason
    assert absent not in results, reason


def test_invalid_filter_is_explained(console: World) -> None:
    answer = console.browser().get("/console/?q=colour+%3D+red")
    assert answer.status == 200
    assert "unknown field" in answer.body
    assert "region" in answer.body


@pytest.mark.parametrize("page", ["operations", "audit", "elements"])
def test_page_token_of_another_list_is_explained(console: World, page: str) -> None:
    answer = console.browser().get(f"{console.pages()[page]}?page=v1.W10.AAAAAAAAAAAAAAAAAAAAAA")
    assert answer.status == 200
    assert "page_token" in answer.body


def test_pages_link_only_to_existing_pages(console: World) -> None:
    browser, links = console.browser(), set()
    for path in console.pages().values():
        links |= set(re.findall(r'(?:href|src|action|hx-get)="(/console/[^"#]*)"', browser.get(path).body))
    dead = {link for link in links if "logout" not in link and browser.get(link.replace("&amp;", "&")).status >= 400}
    assert dead == set()


def test_list_states_its_extent_and_links_back(console: World) -> None:
    browser = console.browser()
    body = browser.get("/console/").body
    assert f"3 registries of 2 accounts, {ACCOUNT} to {OTHER}." in body
    assert 'rel="first"' not in body
    body = browser.get("/console/?q=eu-west-1").body
    assert f"1 registry of account {OTHER}." in body
    operations = browser.get("/console/operations?q=done+%3D+true&page=v1.W10.AAAAAAAAAAAAAAAAAAAAAA").body
    assert '<a rel="first" href="?q=done%20%3D%20true&amp;">First page</a>' in operations


def test_first_page_leads_to_console(console: World) -> None:
    assert console.browser("").get("/").headers["Location"] == "/console/"
