import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createQueue, loadAdapter, openQueue, type QueueOptions, queueConfigFromEnv } from '../src/index.js'
import { errorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'
import { actAsApplicationIn, temporaryFolder } from './support/packages.js'

const canary = 'cAnArY-s3cret'

/** Everything that a log or a crash report may show of an error. */
function everythingShownOf(error: unknown): string {
  const { message, stack } = error as Error
  return [message, stack, String(error), inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error)].join(
    '\n',
  )
}

const loose = (value: unknown) => value as never

const mistakes: readonly [string, () => unknown][] = [
  ['an unknown scheme', () => openQueue(`mysql://app:${canary}@db/queue`)],
  ['a misspelt scheme', () => openQueue(`redsi://app:${canary}@cache`)],
  ['no scheme', () => openQueue(`//app:${canary}@cache`)],
  ['a scheme without its colon', () => openQueue(`amqp//app:${canary}@host`)],
  ['a user name in its place', () => openQueue(`app:${canary}@host`)],
  ['a space before it', () => openQueue(` amqp://app:${canary}@host`)],
  ['an adapter that is not installed', () => openQueue(loose({ type: '@acme/not-there', password: canary }))],
  ['a package of ours that is not installed', () => loadAdapter(`kafka://app:${canary}@host`)],
  ['an unknown type', () => openQueue(loose({ type: 'sqs', url: `sqs://app:${canary}@host` }))],
  ['no type', () => openQueue(loose({ url: `redis://app:${canary}@host`, password: canary }))],
  ['a URL as the type', () => openQueue(loose({ type: `redis://app:${canary}@host` }))],
  ['a list of URLs', () => openQueue(loose([`redis://app:${canary}@host`]))],
  ['a URL where an adapter belongs', () => createQueue(loose(`redis://app:${canary}@host`))],
  [
    'a long URL where an adapter belongs',
    () => createQueue(loose(`redis://${'u'.repeat(40)}:${canary}@host/${'p'.repeat(99)}`)),
  ],
  ['options where an adapter belongs', () => createQueue(loose({ type: 'redis', password: canary }))],
  ['a URL where the options belong', () => createQueue(fakeAdapter(), loose(`redis://app:${canary}@host`))],
  ['a URL in a list of options', () => createQueue(fakeAdapter(), loose([`redis://app:${canary}@host`]))],
  ['a URL as the group', () => createQueue(fakeAdapter(), { group: `redis://app:${canary}@host` })],
  ['a URL as the source', () => createQueue(fakeAdapter(), { source: `redis://app:${canary}@host\n` })],
  ['a URL among the options', () => createQueue(fakeAdapter(), { url: `redis://app:${canary}@host` } as QueueOptions)],
  ['a URL without // as the type', () => openQueue(loose({ type: `redis:app:${canary}@host` }))],
  ['a user name as the type', () => openQueue(loose({ type: `app:${canary}@host` }))],
  ['a password as the user name', () => openQueue(`${canary}:@host`)],
  ['a password in parameters', () => openQueue(loose({ type: `redis:host?password=${canary}` }))],
  ['a URL without // where an adapter belongs', () => createQueue(loose(`app:${canary}@host`))],
  ['a URL without // as the group', () => createQueue(fakeAdapter(), { group: `redis:app:${canary}@host` })],
  ['a URL with a space in its password', () => createQueue(fakeAdapter(), { group: `redis:app:x ${canary} y@host` })],
  ['a URL without // in a list', () => createQueue(fakeAdapter(), loose([`redis:app:${canary}@host`]))],
  ['a long URL without // in a list', () => createQueue(fakeAdapter(), loose([`app:${canary}${'p'.repeat(99)}@host`]))],
  ['a token as the user', () => createQueue(fakeAdapter(), { group: `${canary}@host` })],
  ['a URL as the name of an option', () => createQueue(fakeAdapter(), loose({ [`redis:app:${canary}@host`]: 1 }))],
  ['a phrase as the name of an option', () => createQueue(fakeAdapter(), loose({ [`my ${canary}`]: 1 }))],
  ['parameters as the name of an option', () => createQueue(fakeAdapter(), loose({ [`host?password=${canary}`]: 1 }))],
  ['a bad MQ_URL', () => queueConfigFromEnv({ MQ_URL: `app:${canary}@host` })],
  ['a MQ_URL with an unknown scheme', () => queueConfigFromEnv({ MQ_URL: `mysql://app:${canary}@host` })],
  ['the URL in another variable', () => queueConfigFromEnv({ MQ_URL: 'memory:', MQ_GROUP: `amqp://a:${canary}@h` })],
  ['the URL as a timeout', () => queueConfigFromEnv({ MQ_URL: 'memory:', MQ_STOP_TIMEOUT_MS: `amqp://a:${canary}@h` })],
]

describe('a password', () => {
  it.each(mistakes)('is not shown by the error for %s', async (_, mistake) => {
    actAsApplicationIn(await temporaryFolder())
    const error = await errorOf(mistake)
    expect(error).toBeInstanceOf(Error)
    expect(everythingShownOf(error)).not.toContain(canary)
  })
})
