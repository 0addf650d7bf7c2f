"""Publishes and reads as packages/redis/README.md shows, with redis-py. See protocol.py."""
import redis

from protocol import decoded, encoded, main


def publish(url, topic, messages):
    client = redis.Redis.from_url(url)
    for message in messages:
        fields = {**message.get("attributes", {}), "data": decoded(message["body"])}
        if "contentType" in message:
            fields["datacontenttype"] = message["contentType"]
        for name, value in message.get("headers", {}).items():
            fields[f"header:{name}"] = value
        client.xadd(f"mq:{{{topic}}}:stream", fields)


def read(url, topic, count, ready):
    client = redis.Redis.from_url(url)
    stream = f"mq:{{{topic}}}:stream"
    client.xgroup_create(stream, "python", id="0", mkstream=True)
    ready()
    while True:
        for _, entries in client.xreadgroup("python", "one", {stream: ">"}, count=count, block=5_000) or []:
            for entry, fields in entries:
                body = fields.pop(b"data")
                texts = {name.decode(): value.decode() for name, value in fields.items()}
                headers = {name: texts.pop(name) for name in list(texts) if name.startswith("header:")}
                yield {
                    "attributes": {name: value for name, value in texts.items() if name != "datacontenttype"},
                    "headers": {name.removeprefix("header:"): value for name, value in headers.items()},
                    "contentType": texts.get("datacontenttype"),
                    "body": encoded(body),
                }
                client.xack(stream, "python", entry)


main(publish, read)
