"""Configuration."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from ecrkeeper_server.__main__ import main
from ecrkeeper_server.config.settings import Config, ConfigError, load


def faults(environment: dict[str, str], path: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environment)
    return caught.value.errors


def test_configuration_has_defaults() -> None:
    assert load(None, {"PATH": "/bin"}) == Config()


def test_environment_overrides_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('listen = "127.0.0.1:1"\nconcurrency = 5\nresync_seconds = 60\nreflection = false\n')
    config = load(file, {"ECRKEEPER_CONCURRENCY": "7"})
    assert (config.listen, config.concurrency, config.resync_seconds) == ("127.0.0.1:1", 7, 60.0)
    assert config.reflection is False


TLS = {"TLS_CERTIFICATE_FILE": "c", "TLS_KEY_FILE": "k"}
# variables, a word of each error, reason
FAULTS = [
    ({"TLS_CERTIFICATE_FILE": "c"}, ["tls_key_file"], "a certificate without its key"),
    ({"TLS_CLIENT_CA_FILE": "c"}, ["tls_client_ca_file"], "client certificates without TLS"),
    ({"JWT_AUDIENCE": "a"}, ["jwt_issuer"], "an audience of no issuer"),
    ({"JWT_ISSUER": "https://i"}, ["jwt_audience"], "tokens for any service"),
    ({"JWT_ISSUER": "http://i", "JWT_AUDIENCE": "a"}, ["jwt_issuer"], "keys over plaintext, by discovery"),
    (
        {"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", "JWT_JWKS_URL": "http://i/keys", "JWT_JWKS_FILE": "f"},
        ["set one", "must be https"],
        "two sources, one over plaintext",
    ),
    (
        {"JWT_ISSUER": "https://i", "JWT_AUDIENCE": "a", "JWT_ALGORITHMS": "RS256,HS256"},
        ["jwt_algorithms"],
        "a symmetric algorithm",
    ),
    (
        {"JWT_ISSUER": "https://i", "JWT_AUDIENCE": "a", "JWT_ALGORITHMS": "none"},
        ["jwt_algorithms"],
        "no algorithm",
    ),
    (
        {**TLS, "TLS_CLIENT_CA_FILE": "a", "JWT_ISSUER": "https://i", "JWT_AUDIENCE": "a"},
        ["jwt_principal_prefix"],
        "tokens that could bear the names of certificates",
    ),
    ({"POLICY_FILE": "p"}, ["policy_file"], "rules for callers without names"),
    (
        {"METRICS_LISTEN": "0.0.0.0:1", "TLS_CERTIFICATE_FILE": "c", "TLS_KEY_FILE": "k"},
        ["metrics_listen"],
        "metrics have no TLS",
    ),
    ({"LISTEN": "nowhere"}, ["listen"], "no port"),
    ({"LISTEN": "127.0.0.1:70000"}, ["listen"], "no such port"),
    ({"LISTEN": "0.0.0.0:50051"}, ["listen"], "reachable from outside"),
    ({"METRICS_LISTEN": "127.0.0.1:50051"}, ["metrics_listen"], "the address of the API"),
    ({"METRICS_LISTEN": "[::]:9464"}, ["metrics_listen"], "reachable from outside, by IPv6"),
    ({"LISTEN": "example.com:1"}, ["listen"], "a name that may be anything"),
    ({"CONCURRENCY": "0"}, ["concurrency"], "too few"),
    ({"CONCURRENCY": "many"}, ["ECRKEEPER_CONCURRENCY"], "no number"),
    ({"LEASE_SECONDS": "nan"}, ["lease_seconds"], "not a number of seconds"),
    ({"INSECURE": "perhaps"}, ["ECRKEEPER_INSECURE"], "neither true nor false"),
    ({"ROLE": "engine"}, ["role"], "SQLite serves one process"),
    ({"SHARE_PORT": "yes"}, ["share_port"], "SQLite serves one process"),
    ({"ROLE": "boss"}, ["role", "role"], "no such role, and SQLite"),
    ({"DATABASE_URL": "mysql://x"}, ["database_url"], "another database"),
    ({"HOME_REGION": "here"}, ["home_region"], "no Region"),
    ({"AWS_ROLE_TEMPLATE": "arn:aws:iam::1:role/x"}, ["aws_role_template"], "the same role for all accounts"),
    ({"AWS_ROLE_TEMPLATE": "arn:aws:iam::1:role/{account}"}, ["aws_role_template"], "all roles in one account"),
    ({"AWS_ROLE_TEMPLATE": "arn:aws:iam::{acount}:role/x"}, ["aws_role_template"], "another placeholder"),
    ({"AWS_ROLE_TEMPLATE": "arn:aws:iam::{account}:user/x"}, ["aws_role_template"], "no role"),
    ({"AWS_ROLE_TEMPLATE": "arn:aws:iam::{account}:role/x y"}, ["aws_role_template"], "no name of a role"),
    ({"AWS_ROLE_TEMPLATE": "{account}"}, ["aws_role_template"], "no ARN"),
    ({"AWS_ROLE_TEMPLATE": "arn:aws-cn:iam::{account}:role/x"}, ["aws_role_template"], "another partition"),
    ({"AWS_ENDPOINT_URL": "localhost:4566"}, ["aws_endpoint_url"], "no scheme"),
    ({"LISTNE": "127.0.0.1:1"}, ["ECRKEEPER_LISTNE"], "a slip of the pen"),
    ({"LISTEN": "x", "CONCURRENCY": "0", "LOG_LEVEL": "loud"}, ["concurrency", "log_level", "listen"], "three"),
    (
        {"CONCURRENCY": "x", "POOL_SIZE": "y", "NEW": "1"},
        ["CONCURRENCY", "POOL_SIZE", "NEW"],
        "three that do not parse",
    ),
]


@pytest.mark.parametrize(("variables", "words", "reason"), FAULTS, ids=[row[2] for row in FAULTS])
def test_configuration_errors_are_reported_together(variables: dict[str, str], words: list[str], reason: str) -> None:
    errors = faults({f"ECRKEEPER_{name}": value for name, value in variables.items()})
    assert len(errors) == len(words), errors
    for word in words:
        assert any(word in fault for fault in errors), (word, errors)


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.8.9.1:0"])
def test_loopback_requires_no_option(listen: str) -> None:
    assert load(None, {"ECRKEEPER_LISTEN": listen}).listen == listen


def test_non_loopback_requires_insecure_option() -> None:
    open_to_all = {"ECRKEEPER_LISTEN": "0.0.0.0:50051"}
    assert "--insecure" in faults(open_to_all)[0]
    assert load(None, {**open_to_all, "ECRKEEPER_INSECURE": "true"}).insecure


def test_tls_allows_any_address() -> None:
    tls = {"ECRKEEPER_TLS_CERTIFICATE_FILE": "c", "ECRKEEPER_TLS_KEY_FILE": "k"}
    assert load(None, {"ECRKEEPER_LISTEN": "0.0.0.0:443", **tls}).listen == "0.0.0.0:443"


def test_tokens_and_certificates_require_a_prefix_together() -> None:
    tokens = {"JWT_ISSUER": "https://i", "JWT_AUDIENCE": "a", "JWT_PRINCIPAL_PREFIX": "oidc:"}
    both = {**TLS, **tokens, "TLS_CLIENT_CA_FILE": "a"}
    assert load(None, {f"ECRKEEPER_{name}": value for name, value in both.items()}).jwt_principal_prefix == "oidc:"


def test_errors_of_all_files_are_reported_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules: [{verbs: [read, wirte]}]")
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    variables = {"TLS_CERTIFICATE_FILE": "none.crt", "TLS_KEY_FILE": "none.key", "POLICY_FILE": policy}
    for name, value in {**variables, "JWT_ISSUER": "i", "JWT_AUDIENCE": "a", "JWT_JWKS_FILE": keys}.items():
        monkeypatch.setenv(f"ECRKEEPER_{name}", str(value))
    for command in ("check-config", "serve"):
        assert main([command]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(": ")[1] for line in lines] == ["tls", "tls", "policy_file", "policy_file", "jwt_jwks_file"]


def test_unreadable_file_is_one_error(tmp_path: Path) -> None:
    assert len(faults({}, tmp_path / "missing.toml")) == 1
    broken = tmp_path / "broken.toml"
    broken.write_text("listen = ")
    assert len(faults({}, broken)) == 1
    odd = tmp_path / "odd.toml"
    odd.write_text("unknown = 1\nlisten = 5\nconcurrency = true\n")
    assert len(faults({}, odd)) == 3


def test_command_exits_with_2_and_names_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECRKEEPER_LISTEN", "0.0.0.0:1")
    monkeypatch.setenv("ECRKEEPER_HOME_REGION", "here")
    assert main(["check-config"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_configuration_is_shown_without_passwords(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECRKEEPER_DATABASE_URL", "postgresql://user:hunter2@db/x")
    monkeypatch.setenv("ECRKEEPER_AWS_EXTERNAL_ID", "an-external-id")
    assert main(["check-config"]) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert "@db/x" in shown
    assert "an-external-id" not in shown
    assert tomllib.loads(shown)["aws_external_id"] == "…"


# the setting, its value, the shown value
URLS = [
    ("database_url", "sqlite:////var/lib/ecrkeeper.db", "sqlite:////var/lib/ecrkeeper.db"),
    ("database_url", "sqlite:///ecrkeeper.db", "sqlite:///ecrkeeper.db"),
    ("database_url", "postgresql://u@h:1/x?password=hunter2&sslmode=require", "postgresql://…@h:1/x?password=…&sslmode=require"),
    ("database_url", "postgresql:///x?host=/run&p%61ssword=hunter2", "postgresql:///x?host=/run&p%61ssword=…"),
    ("database_url", "postgresql://u@h/x?options=a@b&password=hunter2", "postgresql://…"),
    ("database_url", "postgresql://u:hunter2?hunter2@h/x", "postgresql://…"),
    ("database_url", "postgresql://u:hunter2/hunter2@h/x", "postgresql://…"),
    ("aws_endpoint_url", "http://u:hunter2@127.0.0.1:4566", "http://…@127.0.0.1:4566"),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "url", "expected"), URLS)
def test_url_is_shown_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str, url: str, expected: str
) -> None:
    monkeypatch.setenv(f"ECRKEEPER_{setting.upper()}", url)
    assert main(["check-config"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert f'{setting} = "{expected}"' in shown
    assert "hunter2" not in "".join(shown)


@pytest.mark.parametrize("variable", ["ECRKEEPER_Listen", "ECRKEEPER_listen", "ecrkeeper_listen"])
def test_variable_in_wrong_case_is_rejected(variable: str) -> None:
    (fault,) = faults({variable: "127.0.0.1:1"})
    assert variable in fault
    assert fault.endswith("its name is ECRKEEPER_LISTEN")


# lines of the file, variables, the beginning of each error, reason
TOGETHER = [
    ("nothing = 1", {"CONCURRENCY": "0"}, ["FILE", "concurrency"], "an unknown name and a value out of range"),
    ("listen = 5", {"LOG_LEVEL": "loud"}, ["listen", "log_level"], "a wrong type and an unknown word"),
    ("", {"INSECURE": "perhaps", "LISTEN": "0.0.0.0:1"}, ["ECRKEEPER_INSECURE"], "whether plaintext is meant is unknown"),
    ("", {"INSECURE": "perhaps", "LISTEN": "x"}, ["ECRKEEPER_INSECURE", "listen"], "no address at all"),
    ("database_url = 5", {"ROLE": "api"}, ["database_url"], "perhaps it is no SQLite"),
    ("tls_certificate_file = 5", {"TLS_KEY_FILE": "k"}, ["tls_certificate_file"], "it was given"),
    ("jwt_issuer = 5", {"JWT_AUDIENCE": "a", "POLICY_FILE": "p"}, ["jwt_issuer"], "callers have names"),
    ("jwt_audience = 5", {"JWT_ISSUER": "http://i"}, ["jwt_audience", "jwt_issuer"], "a fault besides"),
    ("concurrency = ", {"POLICY_FILE": "p", "POOL_SIZE": "0"}, ["FILE", "pool_size"], "the file may say more"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "variables", "begins", "reason"), TOGETHER, ids=[row[3] for row in TOGETHER])
def test_value_errors_are_reported_with_name_and_type_errors(
    tmp_path: Path, text: str, variables: dict[str, str], begins: list[str], reason: str
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    errors = faults({f"ECRKEEPER_{name}": value for name, value in variables.items()}, file)
    assert [fault.replace(str(file), "FILE").split(":")[0] for fault in errors] == begins, errors


SECRET = "hunter2"


@pytest.mark.parametrize("command", ["serve", "migrate", "export", "import"])
@pytest.mark.parametrize(
    ("url", "word"),
    [
        (f"postgresql://user:{SECRET}@127.0.0.1:1/x", "127.0.0.1:1 cannot be used"),
        (f"postgresql://user:{SECRET}@host:port/x", "database_url"),
    ],
)
def test_unresponsive_database_prints_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    url: str,
    word: str,
) -> None:
    monkeypatch.setenv("ECRKEEPER_DATABASE_URL", url)
    file = tmp_path / "export.yaml"
    file.touch()
    assert main([command, *([str(file)] if command == "import" else [])]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert word in line
    assert SECRET not in line


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_non_database_file_prints_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    file = tmp_path / "no.db"
    file.write_text("text " * 1000)
    for path in (file, tmp_path / "missing" / "x.db"):
        monkeypatch.setenv("ECRKEEPER_DATABASE_URL", f"sqlite:///{path}")
        assert main([command]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_command_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ecrkeeper-server {version('ecrkeeper')}\n"
