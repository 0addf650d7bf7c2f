"""Shared by the three clients: the arguments that tests pass, and the output that they read.

`<client> publish URL TOPIC` reads a JSON list of messages from its input: `attributes`, `contentType`, `headers`, `key` (Kafka's
own) and `body` in base64. `sdk` has the attributes of an event that the CloudEvents SDK writes instead.

`<client> read URL TOPIC COUNT` prints `ready`, and then each message as a line of JSON, as it is on the wire. `sdk` is the event
that the CloudEvents SDK read from it.
"""
import base64
import itertools
import json
import sys
from datetime import datetime

from cloudevents.core.v1.event import CloudEvent


def decoded(text):
    return base64.b64decode(text)


def encoded(data):
    return base64.b64encode(data).decode()


def event_of(attributes, data):
    return CloudEvent({**attributes, "time": datetime.fromisoformat(attributes["time"])}, data)


def shown_event(event):
    attributes = {
        name: value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
        for name, value in event.get_attributes().items()
    }
    data = event.get_data()
    return {"attributes": attributes, "data": {"base64": encoded(data)} if isinstance(data, bytes) else data}


def main(publish, read):
    command, url, topic, *rest = sys.argv[1:]
    if command == "publish":
        publish(url, topic, json.load(sys.stdin))
        return
    count = int(rest[0])
    for message in itertools.islice(read(url, topic, count, lambda: print("ready", flush=True)), count):
        print(json.dumps(message), flush=True)
