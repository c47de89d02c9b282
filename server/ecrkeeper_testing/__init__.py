"""Run ecrkeeper in a test.

A simulated AWS, a server and Postgres, each as its own process.

    from ecrkeeper_testing import server, simulated_aws

    with simulated_aws() as aws, server(aws) as running, ecrkeeper.Client(running.address, insecure=True) as client:
        client.apply_registry_settings(...)
        aws.registry()

Needs the extra `testing`.
"""

from ecrkeeper_testing.environment import postgres, server, simulated_aws
from ecrkeeper_testing.postgres_server import Postgres
from ecrkeeper_testing.processes import Process, Server, Simulator, eventually, iam_policy, migrate, program

__all__ = [
    "Postgres",
    "Process",
    "Server",
    "Simulator",
    "eventually",
    "iam_policy",
    "migrate",
    "postgres",
    "program",
    "server",
    "simulated_aws",
]
