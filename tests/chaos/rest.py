"""Check the state after processes and network have recovered."""

from __future__ import annotations

import json
import time
from typing import Any

import sqlalchemy

from tests.harness import Server, Simulator, eventually

REGION = "us-east-1"


def foreign_statement(account: str) -> dict[str, Any]:
    return {
        "Sid": "Foreign",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": [f"arn:aws:ecr:{REGION}:{account}:repository/unmanaged/*"],
    }


def foreign_pair(account: str) -> dict[str, Any]:
    return {
        "destinations": [{"region": "eu-west-1", "registryId": account}],
        "repositoryFilters": [{"filter": "unmanaged/", "filterType": "PREFIX_MATCH"}],
    }


def plant(aws: Simulator, account: str, region: str = REGION) -> None:
    """Create unmanaged elements in AWS."""
    policy = {"Version": "2012-10-17", "Statement": [foreign_statement(account)]}
    aws.seed(
        {
            "policyText": json.dumps(policy),
            "replicationConfiguration": {"rules": [foreign_pair(account)]},
            "pullThroughCacheRules": [{"ecrRepositoryPrefix": "unmanaged", "upstreamRegistryUrl": "public.ecr.aws"}],
            "templates": [{"prefix": "unmanaged", "appliedFor": ["REPLICATION"]}],
        },
        region,
        account,
    )


def pairs(state: dict[str, Any]) -> set[tuple[str, str]]:
    """Return (Region, filter) of every replication of a registry."""
    return {
        (destination["region"], each["filter"])
        for rule in state["replicationConfiguration"]["rules"]
        for destination in rule["destinations"]
        for each in rule.get("repositoryFilters", [])
    }


def prefixes(state: dict[str, Any]) -> set[str]:
    return {rule["ecrRepositoryPrefix"] for rule in state["pullThroughCacheRules"]}


def sids(state: dict[str, Any]) -> set[str]:
    document = json.loads(state["policyText"]) if state["policyText"] else {"Statement": []}
    return {statement["Sid"] for statement in document["Statement"]}


def foreign_kept(aws: Simulator, account: str, region: str = REGION) -> None:
    """Check that the unmanaged elements still exist."""
    state = aws.registry(region, account)
    assert ("eu-west-1", "unmanaged/") in pairs(state), state["replicationConfiguration"]
    assert "Foreign" in sids(state), state["policyText"]
    assert "unmanaged" in prefixes(state), state["pullThroughCacheRules"]
    assert "unmanaged" in {template["prefix"] for template in state["templates"]}, state["templates"]


def stuck(database_url: str) -> list[str]:
    """Return leased, overdue or outdated resources, and unfinished operations."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(url)
    late = int((time.time() - 1.0) * 1_000_000)
    try:
        with engine.connect() as conn:
            rows = conn.exec_driver_sql(
                "SELECT name, lease_token, due_at, failures, generation, observed_generation"
                " FROM resources JOIN schedule USING (name)"
            ).all()
            operations = conn.exec_driver_sql("SELECT id, method, target, done FROM operations").all()
    finally:
        engine.dispose()
    names = [
        str(row)
        for row in rows
        if row.lease_token is not None
        or (row.due_at is not None and row.due_at < late)
        or row.failures
        or row.observed_generation < row.generation
    ]
    return names + [str(row) for row in operations if not row.done]


def assert_nothing_stuck(database_url: str, seconds: float = 20.0) -> None:
    """Wait until every resource has converged."""
    try:
        eventually(lambda: not stuck(database_url), seconds)
    except AssertionError:
        raise AssertionError(f"stuck: {stuck(database_url)}") from None


def stop_at_rest(server: Server, database_url: str) -> None:
    """Stop an idle server; an attempt may have scheduled another one just before."""
    assert_nothing_stuck(database_url, 60)
    assert server.stop() == 0
