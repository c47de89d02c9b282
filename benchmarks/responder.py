"""A canned AWS: prepared answers over HTTP, fast enough not to be the bottleneck.

It checks no signatures and knows only what the benchmarks call: the ECR reads, Puts of the scanning and replication
configurations (which it keeps for each registry), `sts:AssumeRole` and `sts:GetCallerIdentity`, and one queue of SQS.
`GET /-/take` returns the counts since the last one, `GET /-/latency/SECONDS` delays all further answers,
`POST /-/events/ORDER` changes registries (`canned_events`), and `GET /-/rules/ACCOUNT/COUNT` answers for an account
with so many scanning rules of 108 bytes, in chunks, so that their size is not known before.
Run it as `python -m benchmarks.responder`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from typing import Any

import uvloop

from benchmarks.canned_events import Changes, Registry, Reply

_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": f"Images{i}",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{i:012d}:root"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": f"arn:aws:ecr:us-east-1:999999999999:repository/team-{i}/*",
        }
        for i in range(1, 4)
    ],
}
SCANNING = {
    "scanType": "BASIC",
    "rules": [
        {
            "scanFrequency": "SCAN_ON_PUSH",
            "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
        }
    ],
}
RULES = [
    {"ecrRepositoryPrefix": "ecr-public", "upstreamRegistryUrl": "public.ecr.aws"},
    {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"},
]
# The declared settings equal AWS's answers, so that there are no changes.
DECLARED: dict[str, Any] = {
    "registryPolicy": {"policyText": json.dumps(_POLICY)},
    "scanningConfiguration": SCANNING,
    "pullThroughCacheRules": {"rules": RULES},
}
REPLICATION: dict[str, Any] = {"rules": []}
OPERATIONS = ("GetRegistryPolicy", "GetRegistryScanningConfiguration", "DescribePullThroughCacheRules")

# Stands for the account of the caller, and is as long.
_ACCOUNT = "000000000000"
_ANSWERS: dict[bytes, Any] = {
    b"GetRegistryPolicy": {"registryId": _ACCOUNT, **DECLARED["registryPolicy"]},
    b"GetRegistryScanningConfiguration": {"registryId": _ACCOUNT, "scanningConfiguration": SCANNING},
    b"DescribePullThroughCacheRules": {
        "pullThroughCacheRules": [
            {**rule, "registryId": _ACCOUNT, "createdAt": 1.7e9, "updatedAt": 1.7e9, "upstreamRegistry": name}
            for rule, name in zip(RULES, ("ecr-public", "quay"), strict=True)
        ]
    },
    b"DescribeRegistry": {"registryId": _ACCOUNT, "replicationConfiguration": REPLICATION},
}
_ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>{account}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><AssumedRoleId>AROA:ecrkeeper</AssumedRoleId>
<Arn>arn:aws:sts::{account}:assumed-role/ecrkeeper/ecrkeeper</Arn></AssumedRoleUser></AssumeRoleResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleResponse>"""
_CALLER = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:sts::{account}:assumed-role/ecrkeeper/ecrkeeper</Arn><UserId>AROA:ecrkeeper</UserId>
<Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""
_ROLE = re.compile(rb"iam%3A%3A(\d{12})%3A")
# The account is the access key, the Region is in the credential scope.
_SCOPE = re.compile(rb"Credential=(\w+)/\d+/([\w-]+)/", re.IGNORECASE)
_TARGET = re.compile(rb"X-Amz-Target: *[\w.]+?_V\d+\.(\w+)", re.IGNORECASE)
_QUEUE_TARGET = re.compile(rb"X-Amz-Target: *AmazonSQS\.(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"Content-Length: *(\d+)", re.IGNORECASE)


def _response(
    body: bytes, kind: str = "application/x-amz-json-1.1", status: str = "200 OK", request_id: str = "0"
) -> bytes:
    names = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nx-amzn-RequestId: {request_id}"
    return f"HTTP/1.1 {status}\r\n{names}\r\n\r\n".encode() + body


def _chunked(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _many_rules(account: str, count: int) -> bytes:
    rules = [
        {
            "scanFrequency": "SCAN_ON_PUSH",
            "repositoryFilters": [{"filter": f"team-{i:06}/*", "filterType": "WILDCARD"}],
        }
        for i in range(count)
    ]
    scanning = {"registryId": account, "scanningConfiguration": {"scanType": "BASIC", "rules": rules}}
    return _chunked(json.dumps(scanning).encode())


class State:
    """The state that all connections share."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.canned = {name: _response(json.dumps(answer).encode()) for name, answer in _ANSWERS.items()}
        self.scanning: dict[tuple[bytes, bytes], bytes] = {}
        self.replication: dict[tuple[bytes, bytes], bytes] = {}
        # The answers of accounts with many rules.
        self.rules: dict[bytes, bytes] = {}
        self.changes = Changes(self._empty)
        self.reset()

    def reset(self) -> None:
        """Reset the counts."""
        self.calls = 0
        self.first = self.last = 0.0
        # Account, Region and time of arrival of each write.
        self.writes: list[tuple[str, str, float]] = []
        self.unknown: list[str] = []

    def reply(self, head: bytes, body: bytes, reply: Reply) -> None:
        """Answer one request, now or later."""
        if (queue := _QUEUE_TARGET.search(head)) is not None:
            kind = "application/x-amz-json-1.0"
            self.changes.queue.answer(queue[1], body, lambda content: reply(_response(content, kind)))
        elif head.startswith(b"POST /-/events/"):
            order = head.split(b" ", 2)[1].decode().rpartition("/")[2]
            reply(_response(json.dumps(self.changes.control(order, body)).encode()))
        elif self.latency and not head.startswith(b"GET /-/"):
            asyncio.get_running_loop().call_later(self.latency, reply, self.answer(head, body))
        else:
            reply(self.answer(head, body))

    def _empty(self, registry: Registry) -> None:
        """Let somebody else change the scanning configuration."""
        self._keep(*registry, {"scanType": "BASIC", "rules": []})

    def _keep(self, account: str, region: str, scanning: Any) -> None:
        answer = {"registryId": account, "scanningConfiguration": scanning}
        self.scanning[account.encode(), region.encode()] = _response(json.dumps(answer).encode())

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The response to one request."""
        if head.startswith(b"GET /-/"):
            return self._control(head.split(b" ", 2)[1].decode().split("/")[2:])
        self.calls += 1
        self.last = time.monotonic()
        self.first = self.first or self.last
        target = _TARGET.search(head)
        operation = target.group(1) if target else b"AssumeRole"
        account, region = self._registry(head)
        if operation == b"GetRegistryScanningConfiguration":
            stored = self.rules.get(account) or self.scanning.get((account, region))
            if stored is not None:
                return stored
        if operation == b"DescribeRegistry" and (account, region) in self.replication:
            return self.replication[account, region]
        if operation in self.canned:
            return self.canned[operation].replace(_ACCOUNT.encode(), account)
        if operation == b"PutRegistryScanningConfiguration":
            registry, request_id = (account.decode(), region.decode()), str(uuid.uuid4())
            self.writes.append((*registry, self.last))
            self._keep(*registry, json.loads(body))
            self.changes.wrote(registry, request_id, head)
            answer = json.dumps({"registryScanningConfiguration": json.loads(body)}).encode()
            return _response(answer, request_id=request_id)
        if operation == b"PutReplicationConfiguration":
            put = json.loads(body)
            self.replication[account, region] = _response(json.dumps({"registryId": account.decode(), **put}).encode())
            return _response(json.dumps(put).encode())
        if b"Action=GetCallerIdentity" in body:
            return _response(_CALLER.replace("{account}", account.decode()).encode(), "text/xml")
        role = _ROLE.search(body)
        if role is not None:
            return _response(_ASSUMED.replace("{account}", role.group(1).decode()).encode(), "text/xml")
        self.unknown.append(operation.decode())
        return _response(b'{"__type":"InvalidParameterException","message":"not canned"}', status="400 Bad Request")

    def _registry(self, head: bytes) -> tuple[bytes, bytes]:
        match = _SCOPE.search(head)
        return (match.group(1), match.group(2)) if match else (b"", b"")

    def _control(self, path: list[str]) -> bytes:
        if path[0] == "latency":
            self.latency = float(path[1])
        if path[0] == "rules":
            self.rules[path[1].encode()] = _many_rules(path[1], int(path[2]))
        counted = {
            "calls": self.calls,
            "first": self.first,
            "last": self.last,
            "writes": self.writes,
            "unknown": self.unknown,
        }
        if path[0] == "take":
            self.reset()
        return _response(json.dumps(counted).encode())


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length.group(1)) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._state.reply(head, body, self._transport.write)


async def _serve() -> None:
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=1024)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
