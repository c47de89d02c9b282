"""`explain`, `check-replication` and `check-cache-rule`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click
from ecrkeeper import names
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.session import Session, pass_session

_OUTCOMES = {
    "ARRIVES": "green",
    "ARRIVES_IF_REPOSITORY_EXISTS": "yellow",
    "DOES_NOT_ARRIVE": "red",
    "OK": "green",
    "CONDITIONAL": "yellow",
    "BROKEN": "red",
}


@click.command()
@click.argument("repository")
@click.argument("registry", required=False, type=resources.NameType("Registry"))
@render.output_option("table", "json", "yaml")
@pass_session
def explain(session: Session, repository: str, registry: names.Name | None, output: str) -> None:
    """Say which settings apply to a repository, and who declares them.

    The output also says whether its images arrive elsewhere.

    REPOSITORY is the URI of a repository or image, or a repository's name followed by the REGISTRY.
    """
    if registry is None:
        try:
            registry, repository = names.parse_uri(repository)
        except ValueError as error:
            raise click.UsageError(f"{error}; or give the name of the registry, too") from error
    explanation = session.client.explain_repository(str(registry), repository)
    if output != "table":
        render.show(render.as_json(explanation), output)
        return
    click.echo(f"{click.style(repository, bold=True)} in {registry.short}")
    rows = list(_rows(explanation))
    if rows:
        render.table(("applies", "element", "owners", "detail"), rows)
    else:
        click.echo("no setting applies to it")
    if explanation.replications:
        _replications(explanation.replications)


def _rows(explanation: Any) -> Iterator[Sequence[str | render.Cell]]:
    upstream = f"from {explanation.upstream_repository}" if explanation.upstream_repository else ""
    single = (
        ("creation template", "repository_creation_template", ""),
        ("cache rule", "pull_through_cache_rule", upstream),
    )
    for title, member, detail in single:
        if explanation.HasField(member):
            yield _row(title, getattr(explanation, member), detail)
    frequencies = type(explanation).DESCRIPTOR.fields_by_name["scan_frequency"].enum_type
    frequency = frequencies.values_by_number[explanation.scan_frequency]
    scanned = frequency.name if explanation.scan_frequency else ""
    for title, elements, detail in (
        ("scanning", explanation.scanning_rules, scanned),
        ("replication", explanation.replication_pairs, ""),
        ("signing", explanation.signing_rules, ""),
        ("pull time exclusion", explanation.pull_time_update_exclusions, ""),
    ):
        yield from (_row(title, element, detail) for element in elements)


def _row(title: str, element: Any, detail: str) -> Sequence[str | render.Cell]:
    owners = ", ".join(element.owners) or "nobody (unmanaged)"
    alike = len(element.pairs.destinations) * len(element.pairs.filters) - 1
    key = f"{element.key} and {alike} alike" if alike > 0 else element.key
    return title, key, owners, render.Cell(element.problem or detail, "red" if element.problem else "")


def _replications(replications: Any) -> None:
    rows = []
    for each in replications:
        outcome = each.DESCRIPTOR.fields_by_name["outcome"].enum_type.values_by_number[each.outcome].name
        findings = "; ".join(finding.message for finding in each.findings)
        rows.append((_destination(each.destination), render.Cell(outcome, _OUTCOMES.get(outcome, "")), findings))
    render.table(("destination", "images", "findings"), rows)


def _destination(destination: Any) -> str:
    return f"{destination.registry_id}/{destination.region}"


@click.command("check-replication")
@click.argument("registry", type=resources.NameType("Registry"))
@render.output_option("table", "json", "yaml", "markdown")
@pass_session
def check_replication(session: Session, registry: names.Name, output: str) -> int:
    """Say for each destination of REGISTRY whether images arrive.

    The exit status is 1 if some do not.
    """
    checks = session.client.check_replication(str(registry)).checks
    broken = [each for each in checks if each.result in (each.Result.BROKEN, each.Result.CONDITIONAL)]
    if output in ("json", "yaml"):
        render.show([render.as_json(each) for each in checks], output)
        return 1 if broken else 0
    rows = []
    for each in checks:
        result = type(each).Result.Name(each.result)
        findings = "; ".join(f"{finding.message} [{finding.reason}]" for finding in each.findings)
        rows.append((_destination(each.destination), render.Cell(result, _OUTCOMES.get(result, "")), findings))
    if rows:
        render.table(("destination", "result", "findings"), rows, output)
    else:
        click.echo(f"{registry.short} replicates to no other registry")
    return 1 if broken else 0


@click.command("check-cache-rule")
@click.argument("registry", type=resources.NameType("Registry"))
@click.argument("prefix")
@pass_session
def check_cache_rule(session: Session, registry: names.Name, prefix: str) -> int:
    """Let ECR log in to the upstream of the cache rule with PREFIX.

    The exit status is 1 if that fails.
    """
    result = session.client.validate_pull_through_cache_rule(str(registry), prefix)
    if result.is_valid:
        click.echo(f"ECR can log in to the upstream of {prefix}")
        return 0
    click.echo(f"error: ECR cannot log in to the upstream of {prefix}: {escaped(result.failure)}", err=True)
    return 1
