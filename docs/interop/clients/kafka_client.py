"""Publishes and reads as packages/kafka/README.md shows, with confluent-kafka. See protocol.py."""
import json

from cloudevents.core.bindings import kafka
from confluent_kafka import Consumer, Producer

from protocol import decoded, encoded, event_of, main, shown_event


def publish(url, topic, messages):
    servers = url.removeprefix("kafka://")
    producer = Producer({"bootstrap.servers": servers, "acks": "all", "partitioner": "murmur2_random"})
    for message in messages:
        body, key = decoded(message["body"]), message.get("key")
        if "sdk" in message:
            made = kafka.to_binary_event(event_of(message["sdk"], json.loads(body)))
            attributes, key = made.headers, made.key
        else:
            attributes = {f"ce_{name}": value for name, value in message.get("attributes", {}).items()}
            if "contentType" in message:
                attributes["content-type"] = message["contentType"]
        headers = {**attributes, **message.get("headers", {})}
        producer.produce(topic, key=key, value=body, headers=headers, on_delivery=stored)
    if producer.flush(30) > 0:
        raise TimeoutError("Kafka did not store all messages")


def stored(error, _record):
    if error is not None:
        raise RuntimeError(str(error))


def read(url, topic, count, ready):
    servers = url.removeprefix("kafka://")
    consumer = Consumer({"bootstrap.servers": servers, "group.id": f"python.{topic}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    ready()
    while True:
        record = consumer.poll(1)
        if record is None:
            continue
        if record.error():
            raise RuntimeError(str(record.error()))
        attributes, headers, content_type = {}, {}, None
        for name, value in record.headers() or []:
            if name.startswith("ce_"):
                attributes[name.removeprefix("ce_")] = value.decode()
            elif name == "content-type":
                content_type = value.decode()
            else:
                headers[name] = value.decode()
        sdk = None
        if "specversion" in attributes:
            shown = kafka.KafkaMessage(dict(record.headers()), record.key(), record.value())
            sdk = shown_event(kafka.from_binary_event(shown))
        yield {
            "attributes": attributes,
            "headers": headers,
            "contentType": content_type,
            "key": None if record.key() is None else record.key().decode(),
            "partition": record.partition(),
            "body": encoded(record.value()),
            "sdk": sdk,
        }


main(publish, read)
