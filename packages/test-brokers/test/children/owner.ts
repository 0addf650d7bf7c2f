import { brokers, kafka, postgresql, proxy, rabbitmq, redis, report } from '../../src/index.js'

/** Starts every broker, reports the addresses, and waits to be killed. */
const starts = { rabbitmq, redis, kafka, postgres: postgresql }
const kinds = (['rabbitmq', 'redis', 'kafka', 'postgres'] as const).filter((kind) => brokers.wanted(kind))
const servers = await Promise.all(kinds.map(async (kind) => await starts[kind]()))
const links = await Promise.all(servers.map(async (server) => await proxy(server)))
await report(servers.map(({ kind, port }, index) => ({ kind, port, proxy: links[index]?.port })))
setInterval(() => undefined, 60_000)
