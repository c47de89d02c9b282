"""One table of SQS's rules, run against moto's server and the simulated AWS."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests import harness

ACCOUNT = "123456789012"


@dataclass
class Queue:
    """A new queue in one of the two implementations."""

    sqs: Any
    url: str

    def send(self, *bodies: str) -> list[str]:
        return [self.sqs.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"] for body in bodies]

    def receive(self, **options: Any) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = self.sqs.receive_message(QueueUrl=self.url, **options).get("Messages", [])
        return received

    def call(self, method: str, **options: Any) -> Any:
        """Return the answer without its metadata, or the code of the error."""
        try:
            answer = getattr(self.sqs, method)(QueueUrl=self.url, **options)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def counts(self) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(attributes[names[0]]), int(attributes[names[1]])


@pytest.fixture(scope="module")
def simulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the simulated AWS as a process."""
    command = [sys.executable, "-m", "ecrkeeper_sim", "--port", "0", "--default-account", ACCOUNT]
    process = harness.Process(command, {}, tmp_path_factory.mktemp("sim") / "sim.log")
    yield process.address
    assert process.stop() == 0


@pytest.fixture(scope="module", params=["moto", "simulator"])
def address(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue("moto_url" if request.param == "moto" else "simulator_url")
    return address


@pytest.fixture
def queue(address: str) -> Queue:
    sqs = boto3.client(
        "sqs",
        region_name="eu-west-1",
        endpoint_url=address,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    return Queue(sqs, sqs.create_queue(QueueName=f"queue-{uuid.uuid4().hex}")["QueueUrl"])


@dataclass(frozen=True)
class Case:
    reason: str
    run: Callable[[Queue], Any]
    expected: Any


def entries(*pairs: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    return [{"Id": entry, "ReceiptHandle": handle, **more} for entry, handle in pairs]


def delete_twice(queue: Queue) -> Any:
    queue.send("a")
    handle = queue.receive()[0]["ReceiptHandle"]
    return [queue.call("delete_message", ReceiptHandle=handle) for _ in range(2)], queue.counts()


def hidden_until_shown(queue: Queue) -> Any:
    queue.send("a")
    first = queue.receive()
    hidden = queue.receive()
    queue.call("change_message_visibility", ReceiptHandle=first[0]["ReceiptHandle"], VisibilityTimeout=0)
    repeated = queue.receive(AttributeNames=["ApproximateReceiveCount"])
    return hidden, first[0]["MessageId"] == repeated[0]["MessageId"], repeated[0]["Attributes"]


def handles_differ(queue: Queue) -> Any:
    queue.send("a")
    first = queue.receive(VisibilityTimeout=0)
    second = queue.receive(VisibilityTimeout=0)
    return first[0]["ReceiptHandle"] != second[0]["ReceiptHandle"]


def half_bad_batch(queue: Queue) -> Any:
    queue.send("a")
    answer = queue.call(
        "delete_message_batch", Entries=entries(("good", queue.receive()[0]["ReceiptHandle"]), ("bad", "nonsense"))
    )
    return answer["Successful"], [(e["Id"], e["SenderFault"], e["Code"]) for e in answer["Failed"]], queue.counts()


def half_bad_visibility(queue: Queue) -> Any:
    queue.send("a")
    good = queue.receive()[0]["ReceiptHandle"]
    batch = entries(("good", good), ("bad", "nonsense"), VisibilityTimeout=0)
    answer = queue.call("change_message_visibility_batch", Entries=batch)
    return answer["Successful"], [(e["Id"], e["Code"]) for e in answer["Failed"]], queue.counts()


def at_most_ten(queue: Queue) -> Any:
    queue.send(*[str(n) for n in range(12)])
    received = queue.receive(MaxNumberOfMessages=10)
    return len(received), len({m["MessageId"] for m in received}), queue.counts()


def one_by_default(queue: Queue) -> Any:
    queue.send("a", "b")
    return len(queue.receive()), queue.counts()


def md5_and_body(queue: Queue) -> Any:
    text = '{"snow": "☃"}'
    sent = queue.sqs.send_message(QueueUrl=queue.url, MessageBody=text)
    message = queue.receive()[0]
    return (
        message["Body"] == text,
        message["MD5OfBody"] == sent["MD5OfMessageBody"],
        sorted(set(message) - {"ReceiptHandle"}),
    )


def waits(queue: Queue) -> Any:
    begun = time.monotonic()
    received = queue.receive(WaitTimeSeconds=1)
    return received, 0.9 <= time.monotonic() - begun < 4


def redriven(queue: Queue) -> Any:
    arn = "QueueArn"
    name = f"dead-{uuid.uuid4().hex}"
    dead = Queue(queue.sqs, queue.sqs.create_queue(QueueName=name)["QueueUrl"])
    target = queue.sqs.get_queue_attributes(QueueUrl=dead.url, AttributeNames=[arn])["Attributes"][arn]
    policy = f'{{"deadLetterTargetArn": "{target}", "maxReceiveCount": 2}}'
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": policy})
    queue.send("a")
    received = [len(queue.receive(VisibilityTimeout=0)) for _ in range(3)]
    return received, [m["Body"] for m in dead.receive()]


def sent_batch(queue: Queue) -> Any:
    batch = [{"Id": str(n), "MessageBody": str(n)} for n in range(3)]
    answer = queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=batch)
    return [e["Id"] for e in answer["Successful"]], sorted(m["Body"] for m in queue.receive(MaxNumberOfMessages=10))


def system_attributes(queue: Queue) -> Any:
    queue.send("a")
    return sorted(queue.receive(AttributeNames=["All"])[0]["Attributes"])


def purged(queue: Queue) -> Any:
    queue.send("a", "b")
    return queue.call("purge_queue"), queue.counts(), queue.receive()


def deleted_queue(queue: Queue) -> Any:
    return queue.call("delete_queue"), queue.call("receive_message"), queue.call("get_queue_attributes")


HANDLES = entries(*[(str(n), f"handle-{n}") for n in range(11)])
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"

CASES = [
    Case("a queue without messages answers without the member", lambda q: q.call("receive_message"), {}),
    Case("a delete is idempotent", delete_twice, ([{}, {}], (0, 0))),
    Case(
        "a received message is hidden, and visibility 0 shows it again",
        hidden_until_shown,
        ([], True, {"ApproximateReceiveCount": "2"}),
    ),
    Case("every receive has a receipt handle of its own", handles_differ, True),
    Case(
        "the entries of a batch of deletes have outcomes of their own",
        half_bad_batch,
        ([{"Id": "good"}], [("bad", True, "ReceiptHandleIsInvalid")], (0, 0)),
    ),
    Case(
        "the entries of a batch of visibility changes have outcomes of their own",
        half_bad_visibility,
        ([{"Id": "good"}], [("bad", "ReceiptHandleIsInvalid")], (1, 0)),
    ),
    Case("a receive returns ten messages at most", at_most_ten, (10, 10, (2, 10))),
    Case("a receive returns one message unless asked for more", one_by_default, (1, (1, 1))),
    Case(
        "the body arrives as it was sent, with its digest",
        md5_and_body,
        (True, True, ["Body", "MD5OfBody", "MessageId"]),
    ),
    Case("a long poll of an empty queue lasts as long as it was asked to", waits, ([], True)),
    Case("a message received too often goes to the dead-letter queue", redriven, ([1, 1, 0], ["a"])),
    Case("a batch of sends delivers each entry", sent_batch, (["0", "1", "2"], ["0", "1", "2"])),
    Case(
        "all system attributes of a plain message",
        system_attributes,
        ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp"],
    ),
    Case("a purge empties the queue", purged, ({}, (0, 0), [])),
    Case("a deleted queue is no queue", deleted_queue, ({}, NO_QUEUE, NO_QUEUE)),
    Case(
        "more than ten messages cannot be asked for",
        lambda q: q.call("receive_message", MaxNumberOfMessages=11),
        "InvalidParameterValue",
    ),
    Case(
        "fewer than one message cannot be asked for",
        lambda q: q.call("receive_message", MaxNumberOfMessages=0),
        "InvalidParameterValue",
    ),
    Case(
        "a poll longer than 20 seconds is rejected",
        lambda q: q.call("receive_message", WaitTimeSeconds=21),
        "InvalidParameterValue",
    ),
    Case(
        "a visibility timeout above 12 hours is rejected",
        lambda q: q.call("receive_message", VisibilityTimeout=43201),
        "InvalidParameterValue",
    ),
    Case(
        "a malformed receipt handle is rejected",
        lambda q: q.call("delete_message", ReceiptHandle="nonsense"),
        "ReceiptHandleIsInvalid",
    ),
    Case(
        "the visibility of a malformed receipt handle is rejected",
        lambda q: q.call("change_message_visibility", ReceiptHandle="nonsense", VisibilityTimeout=1),
        "ReceiptHandleIsInvalid",
    ),
    Case(
        "an attribute that SQS does not know is rejected",
        lambda q: q.call("get_queue_attributes", AttributeNames=["Colour"]),
        "InvalidAttributeName",
    ),
    Case("no attribute asked for, none answered", lambda q: q.call("get_queue_attributes"), {}),
    Case(
        "a batch without entries is rejected",
        lambda q: q.call("delete_message_batch", Entries=[]),
        "AWS.SimpleQueueService.EmptyBatchRequest",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_simulator_answers_as_moto_does(queue: Queue, case: Case) -> None:
    assert case.run(queue) == case.expected
