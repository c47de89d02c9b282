"""The kinds of documents in declaration files: their names and their members."""

from __future__ import annotations

VERSION = "ecrkeeper/v1"
_REGISTRY = r"accounts/[0-9]{12}/registries/[a-z0-9-]+"
OWNER = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAMES = {
    "RegistrySettings": rf"{_REGISTRY}/settings/{OWNER}",
    "Registry": _REGISTRY,
    "ServiceLinkedRole": r"accounts/[0-9]{12}/serviceLinkedRoles/[a-z-]+",
    "Account": r"accounts/[0-9]{12}",
    "RegistrySet": rf"registrySets/{OWNER}",
}
EXAMPLES = {
    "RegistrySettings": "accounts/111111111111/registries/us-east-1/settings/team-a",
    "Registry": "accounts/111111111111/registries/us-east-1",
    "ServiceLinkedRole": "accounts/111111111111/serviceLinkedRoles/replication",
    "Account": "accounts/111111111111",
    "RegistrySet": "registrySets/quay",
}
_HEAD = ("apiVersion", "kind", "name")
_DECLARED = ("deletionPolicy", "allowReplacement", "applyGroup", "settings")
ACCOUNT = ("displayName", "labels", "organizationalUnit", "state", "enabledRegions")
SET = ("selector", "settings", "overrides", "strategy", "deletionPolicy", "allowReplacement", "maxRemovals")
MEMBERS = {
    "RegistrySettings": (*_HEAD, *_DECLARED),
    "Registry": (*_HEAD, "mode", "unmanagedElements", "declarations"),
    "ServiceLinkedRole": (*_HEAD, "mode", "description", "tags", "remembered"),
    "Account": (*_HEAD, *ACCOUNT),
    # An export also has where the rollouts of the set are, which only a restore needs.
    "RegistrySet": (*_HEAD, *SET, "revision", "currentRevision", "author"),
}
# The members of each kind that a write takes.
WRITTEN = {
    "RegistrySettings": _DECLARED,
    "Registry": ("mode", "unmanagedElements"),
    "ServiceLinkedRole": ("mode", "description", "tags"),
    "Account": ACCOUNT,
    "RegistrySet": SET,
}
