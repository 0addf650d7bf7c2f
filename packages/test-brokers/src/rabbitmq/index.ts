import { type ProcessId, self } from '../run/process.js'
import { quote } from '../run/quote.js'
import { refusedVerbs, type Server } from '../server.js'
import { ask, type Endpoint } from '../sources/ask.js'
import { askEnvironment, chooseSource, environmentReason, fromEnvironment } from '../sources/choose.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'
import { certificates } from '../tls.js'
import type { RabbitOptions } from './options.js'
import { nativeRabbit, rabbitPrograms } from './programs.js'
import { rabbitRecipe } from './recipe.js'

export interface RabbitServer extends Server {
  readonly kind: 'rabbitmq'
  readonly username: string
  readonly password: string
  readonly vhost: string
  /** The URL of the management API, without a login, if the options switch it on. */
  readonly managementUrl?: string
  /** Runs rabbitmqctl on the server and resolves with its output. Takes a second or two. */
  rabbitmqctl(...args: readonly string[]): Promise<string>
  /** Raises or clears the memory alarm, which blocks every publisher. Resolves once it has taken effect. */
  alarm(isRaised: boolean): Promise<void>
  /**
   * Writes declarations to disk. RabbitMQ answers a declaration before it has stored everything. Mnesia's log gets the queue
   * within two seconds. The names of its Raft logs follow half a second after the last declaration. A SIGKILL in between undoes
   * the declaration, or brings the queue back empty and without a leader. Confirmed messages are lost then.
   */
  flush(): Promise<void>
}

export const guest = { guest: { password: 'guest' } }

/** Starts a RabbitMQ. Uses `MQ_TEST_RABBITMQ_URL`, a Docker engine, or a native server, in this order. */
export async function rabbitmq(options: RabbitOptions = {}, owner: ProcessId = self): Promise<RabbitServer> {
  const url = fromEnvironment('rabbitmq', options)
  if (url !== undefined) return await environmentRabbit(url)
  const source = await chooseSource(nativeRabbit)
  const secured = options.tls ? certificates([]) : undefined
  const users = options.users ?? guest
  const [username = 'guest', { password } = guest.guest] = Object.entries(users)[0] ?? []

  return await onFreePorts(options.management ? 4 : 3, owner, async (ports) => {
    const port = portAt(ports, 0)
    const recipe = rabbitRecipe({
      options,
      users,
      ports: {
        amqp: port,
        distribution: portAt(ports, 1),
        epmd: portAt(ports, 2),
        ...(options.management && { management: portAt(ports, 3) }),
      },
      programs: rabbitPrograms(),
      certificates: secured,
    })
    let version: string | undefined
    const { machine, verbs } = await runRecipe(recipe, {
      source,
      owner,
      answers: async ({ place: { host } }) => {
        version = await answer({ host, port, tls: options.tls ?? false, ...(secured && { ca: secured.ca }) })
      },
    })
    const { host } = machine.place
    const address = new URL(`${options.tls ? 'amqps' : 'amqp'}://${host}:${port}`)
    address.username = encodeURIComponent(username)
    address.password = encodeURIComponent(password)
    const rabbitmqctl = async (...args: readonly string[]): Promise<string> =>
      await machine.run(`. ./environment.sh && exec rabbitmqctl ${args.map(quote).join(' ')}`, 60_000)
    return {
      kind: 'rabbitmq',
      source,
      url: address.href,
      host,
      port,
      username,
      password,
      vhost: '/',
      ...(options.management && { managementUrl: `http://${host}:${portAt(ports, 3)}` }),
      ...(version !== undefined && { version }),
      ...(secured && { ca: secured.ca }),
      ...verbs,
      rabbitmqctl,
      // Newer versions have no Mnesia.
      flush: async () =>
        void (await rabbitmqctl('eval', 'catch mnesia:sync_log(), [ok = dets:sync(Table) || Table <- dets:all()].')),
      async alarm(isRaised) {
        await rabbitmqctl('set_vm_memory_high_watermark', ...(isRaised ? ['0.0000001'] : watermark(options)))
      },
    }
  })
}

function watermark({ memoryWatermark = 0.4 }: RabbitOptions): string[] {
  return typeof memoryWatermark === 'number' ? [String(memoryWatermark)] : ['absolute', memoryWatermark]
}

async function environmentRabbit(url: URL): Promise<RabbitServer> {
  const isSecure = url.protocol === 'amqps:'
  const endpoint = { host: url.hostname, port: Number(url.port || (isSecure ? 5671 : 5672)), tls: isSecure }
  const version = await askEnvironment('rabbitmq', () => answer(endpoint))
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new Error(`${verb}() needs a broker of this test's own: ${environmentReason('rabbitmq')}`)
  }
  return {
    kind: 'rabbitmq',
    source: 'environment',
    url: url.href,
    host: endpoint.host,
    port: endpoint.port,
    username: decodeURIComponent(url.username) || 'guest',
    password: decodeURIComponent(url.password) || 'guest',
    vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
    ...(version !== undefined && { version }),
    ...refusedVerbs(environmentReason('rabbitmq')),
    rabbitmqctl: refuse('rabbitmqctl'),
    alarm: refuse('alarm'),
    flush: refuse('flush'),
  }
}

/** Returns the version from the broker's first frame, which it sends only after users and queues are loaded. */
export async function answer(endpoint: Endpoint): Promise<string | undefined> {
  return await ask(endpoint, {
    send: Buffer.from('AMQP\0\0\x09\x01', 'latin1'),
    read(reply) {
      const text = reply.toString('latin1')
      // A frame: type and channel, its size, the body, and an end mark.
      if (reply.length < 8 || reply.length < 8 + reply.readUInt32BE(3)) return undefined
      if (reply[0] !== 1) throw new Error('no AMQP 0-9-1 here')
      return { version: /versionS.{4}([\d.]+)/s.exec(text)?.[1] }
    },
  }).then((found) => found.version)
}
