import { randomUUID } from 'node:crypto'
import { brokerName, type Diagnosis, type Finding, isMqError } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { reply, replyCode, textOf } from '../connection/errors.js'
import type { Request } from '../connection/links.js'
import { isBefore, versionOf } from '../connection/version.js'
import type { Settings } from '../options.js'
import { managementFindings } from './management.js'

const page = 'https://github.com/mq-js/mq/blob/main/docs/operating/rabbitmq.md'
const rightsPage = 'https://github.com/mq-js/mq/blob/main/packages/rabbitmq/README.md#permissions'

interface Parts {
  readonly settings: Settings
  readonly request: Request
  readonly connection: ChannelModel
}

/** Looks for rights that are missing and, if the management API is named, for settings that lose messages. */
export async function diagnose({ settings, request, connection }: Parts): Promise<Diagnosis> {
  const version = versionOf(connection)
  const text = String(connection.connection.serverProperties?.version ?? '')
  const old: readonly Finding[] = isBefore(version, 3, 10)
    ? [
        {
          code: 'rabbitmq.version',
          severity: 'error',
          problem: `RabbitMQ ${text} is too old: 3.10 or newer is needed.`,
          advice: 'Upgrade the broker.',
          docs: `${page}#before-the-first-message`,
        },
      ]
    : []
  const rights = await missingRight(request, settings.prefix)
  return {
    server: `RabbitMQ ${text}`.trim(),
    findings: [...old, ...rights, ...(await managementFindings(settings))],
  }
}

/** Does what the adapter does with queues and exchanges, with names of its own, until something is refused. */
async function missingRight(request: Request, prefix: string): Promise<readonly Finding[]> {
  const name = brokerName([prefix, 'doctor', randomUUID()])
  const trial: Trial = { step: 'configure' }
  try {
    await request('Trying the rights', (channel) => tryRights(channel, name, trial))
    return []
  } catch (error) {
    const cause = isMqError(error) ? error.cause : error
    if (replyCode(cause) !== reply.accessRefused) throw error
    const right = rightFor(trial.step, textOf(cause))
    return [
      {
        code: 'rabbitmq.rights',
        severity: 'error',
        problem: `The user lacks the right to ${right} what begins with ${prefix}--.`,
        advice: `Grant configure, write and read on ^${prefix}-- to the user.`,
        docs: rightsPage,
      },
    ]
  } finally {
    // A refusal has closed the channel, and left what was made before.
    await request('Tidying up', async (channel) => {
      await channel.deleteQueue(name)
      await channel.deleteExchange(name)
    }).catch(() => undefined)
  }
}

interface Trial {
  step: 'configure' | 'bind' | 'write' | 'read'
}

/** Binding needs two rights: to write to the queue and to read the exchange. */
const rightFor = (step: Trial['step'], refusal: string): string =>
  step === 'bind' ? (/access to exchange/.test(refusal) ? 'read' : 'write') : step

async function tryRights(channel: Channel, name: string, trial: Trial): Promise<void> {
  await channel.assertQueue(name, { exclusive: true, durable: false, autoDelete: true })
  await channel.assertExchange(name, 'topic', { durable: false, autoDelete: true })
  trial.step = 'bind'
  await channel.bindQueue(name, name, '#')
  trial.step = 'write'
  channel.publish(name, 'doctor', Buffer.from('doctor'))
  // A refused publish closes the channel, which the next question notices.
  await channel.checkQueue(name)
  trial.step = 'read'
  await channel.get(name, { noAck: true })
}
