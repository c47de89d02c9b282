"""ServerService: the server's version, the caller's permissions, the AWS identity."""

from __future__ import annotations

from ecrkeeper.v1 import server_service_pb2 as pb
from ecrkeeper.v1.server_service_pb2_grpc import ServerServiceServicer
from google.protobuf import timestamp_pb2

from ecrkeeper_server.access.policy import Target, Verb, decide
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.needs import set_target
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.names import RoleName, SettingsName, parse_account, parse_registry_pattern, shown
from ecrkeeper_server.settings.table import SETTINGS

# Names of calls and fields that older versions lack.
_FEATURES = ("ABANDON_ROLE", "DELETE_REGISTRY", "FILTER_OR", "FLEET")


class Server(ServerServiceServicer):
    """Describe the server, the caller and the AWS identity."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Context) -> pb.ServerInfo:
        """Return the version, the partition and the features."""
        deps = self._deps
        configured = {
            "AUTHENTICATION": deps.setup.authentication,
            "AUTHORIZATION": deps.access.policy is not None,
            "ASSUMED_ROLES": deps.setup.role_template is not None,
        }
        return pb.ServerInfo(
            version=deps.setup.version,
            partition=deps.partition,
            home_region=deps.home_region,
            settings=SETTINGS,
            features=sorted([*_FEATURES, *(feature for feature, enabled in configured.items() if enabled)]),
        )

    async def WhoAmI(self, request: pb.WhoAmIRequest, context: Context) -> pb.WhoAmIResponse:
        """Return the principal, its groups, and its verbs on a resource."""
        caller, policy, target = CALLER.get(), self._deps.access.policy, target_of(request.resource)
        allowed = [verb for verb in Verb if policy is None or decide(policy, caller, verb, target).allowed]
        response = pb.WhoAmIResponse(principal=caller.name, groups=sorted(caller.groups), verbs=allowed)
        if caller.expires is not None:
            response.expire_time.CopyFrom(timestamp_pb2.Timestamp(seconds=int(caller.expires)))
        return response

    async def GetAwsIdentity(self, request: pb.GetAwsIdentityRequest, context: Context) -> pb.AwsIdentity:
        """Return the AWS identity by which the server reaches an account."""
        account, template = parse_account(request.parent), self._deps.setup.role_template
        answer = await self._deps.aws.call(account, self._deps.home_region, "sts", "GetCallerIdentity", {})
        return pb.AwsIdentity(
            account=answer.get("Account", ""),
            arn=answer.get("Arn", ""),
            user_id=answer.get("UserId", ""),
            source=pb.AwsIdentity.AMBIENT if template is None else pb.AwsIdentity.ASSUMED_ROLE,
            assumed_role_arn="" if template is None else template.replace("{account}", account),
        )


def target_of(resource: str) -> Target:
    """Return the policy target of a resource name; InvalidArgument for another text."""
    segments = resource.split("/")
    match segments:
        case [""]:
            return Target()
        case ["accounts", _]:
            return Target(parse_account(resource, "resource", wildcard=True))
        case ["accounts", _, "registries", _]:
            return Target(*parse_registry_pattern(resource, "resource"))
        case ["accounts", _, "registries", _, "settings", "-"]:
            return Target(*parse_registry_pattern("/".join(segments[:4]), "resource"), "-")
        case ["accounts", _, "registries", _, "settings", _]:
            name = SettingsName.parse(resource, "resource")
            return Target(name.registry.account, name.registry.region, name.owner)
        case ["registrySets", _]:
            return set_target(SetName.parse(resource, "resource").id)
        case ["accounts", _, "serviceLinkedRoles", _]:
            return Target(RoleName.parse(resource, "resource").account)
    known = "an account, a registry, a declaration or a role, such as `accounts/111111111111/registries/us-east-1`"
    raise InvalidArgument([Violation("resource", f"must be the name of {known}, or empty, got {shown(resource)}")])
