"""The calls of `ServerService`, one function for each RPC."""

from __future__ import annotations

from ecrkeeper._base import Unary
from ecrkeeper.v1 import server_service_pb2 as pb


def get_server_info(*, timeout: float | None = None) -> Unary[pb.ServerInfo]:
    """Returns the version, the partition and the features of the server."""
    return Unary(pb.ServerInfo, pb.GetServerInfoRequest(), timeout)


def who_am_i(resource: str = "", *, timeout: float | None = None) -> Unary[pb.WhoAmIResponse]:
    """Returns the principal and the groups of the caller, and its verbs on a resource.

    InvalidArgument.
    """
    return Unary(pb.WhoAmIResponse, pb.WhoAmIRequest(resource=resource), timeout)


def get_aws_identity(parent: str, *, timeout: float | None = None) -> Unary[pb.AwsIdentity]:
    """Returns the AWS identity by which the server reaches `accounts/{account}`.

    FailedPrecondition if AWS rejects the credentials.
    """
    return Unary(pb.AwsIdentity, pb.GetAwsIdentityRequest(parent=parent), timeout)
