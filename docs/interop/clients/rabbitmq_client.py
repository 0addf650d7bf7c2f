"""Publishes and reads as packages/rabbitmq/README.md shows, with pika. See protocol.py."""
import json
from datetime import datetime

import pika
from cloudevents.core.bindings import amqp

from protocol import decoded, encoded, event_of, main, shown_event


def open_channel(url, topic):
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.exchange_declare(f"mq--topic--{topic}", "fanout", durable=True)
    return channel


def publish(url, topic, messages):
    channel = open_channel(url, topic)
    channel.confirm_delivery()
    for message in messages:
        body, content_type = decoded(message["body"]), message.get("contentType")
        if "sdk" in message:
            made = amqp.to_binary_event(event_of(message["sdk"], json.loads(body)))
            attributes, content_type = made.application_properties, made.properties.get("content-type")
        else:
            attributes = {f"cloudEvents:{name}": value for name, value in message.get("attributes", {}).items()}
        if "nativeTime" in message:
            attributes["cloudEvents:time"] = datetime.fromisoformat(message["nativeTime"])
        headers = {**attributes, **message.get("headers", {})}
        properties = pika.BasicProperties(headers=headers, content_type=content_type, delivery_mode=2)
        channel.basic_publish(f"mq--topic--{topic}", "", body, properties, mandatory=True)
    channel.connection.close()


def read(url, topic, count, ready):
    channel = open_channel(url, topic)
    queue = f"python.{topic}"
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(queue, f"mq--topic--{topic}")
    channel.queue_bind(queue, f"mq--due--{topic}")
    ready()
    for method, properties, body in channel.consume(queue):
        attributes, headers = {}, {}
        for name, value in properties.headers.items():
            if name.startswith("cloudEvents:"):
                attributes[name.removeprefix("cloudEvents:")] = value
            elif not name.startswith("x-"):
                headers[name] = value
        shown = {"content-type": properties.content_type}
        event = amqp.from_binary_event(amqp.AMQPMessage(shown, properties.headers, body))
        yield {
            "attributes": attributes,
            "headers": headers,
            "contentType": properties.content_type,
            "messageId": properties.message_id,
            "timestamp": properties.timestamp,
            "body": encoded(body),
            "sdk": shown_event(event),
        }
        channel.basic_ack(method.delivery_tag)


main(publish, read)
