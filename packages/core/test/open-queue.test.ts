import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadAdapter, MqError, openQueue, type QueueAddress } from '../src/index.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'
import { actAsApplicationIn, adapterSource, link, temporaryFolder, write } from './support/packages.js'

const esm = { name: '@acme/mq-nats', type: 'module', exports: { '.': { import: './index.js' } } }

/** Makes a folder with these packages the application's. */
async function applicationWith(packages: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, source] of Object.entries(packages)) {
    await write(join(folder, 'node_modules', name), { 'package.json': { ...esm, name }, 'index.js': source })
  }
  actAsApplicationIn(folder)
  return folder
}

describe('loadAdapter', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('calls the default export of an ESM-only package with the options', async () => {
    await applicationWith({ '@acme/mq-nats': adapterSource })
    const adapter = await loadAdapter({ type: '@acme/mq-nats', servers: ['a:4222'] })
    expect(adapter).toMatchObject({ name: 'nats', given: { servers: ['a:4222'] } })
  })

  it('finds the package of a known type by the scheme of a URL, and hands the URL on', async () => {
    await applicationWith({ '@mq/kafka': adapterSource })
    expect(await loadAdapter('kafka://a:9092')).toMatchObject({ given: { url: 'kafka://a:9092' } })
  })

  it('finds a package that is only linked into the application', async () => {
    const folder = await applicationWith({})
    const store = join(folder, 'node_modules/.pnpm/@acme+mq-linked@1.0.0/node_modules/@acme/mq-linked')
    await write(store, { 'package.json': esm, 'index.js': adapterSource })
    await link(store, join(folder, 'node_modules/@acme/mq-linked'))
    expect(await loadAdapter({ type: '@acme/mq-linked' })).toMatchObject({ name: 'nats' })
  })

  it('waits for a factory that is asynchronous', async () => {
    await applicationWith({ '@acme/mq-nats': adapterSource.replace('(given) =>', 'async (given) =>') })
    expect(await loadAdapter({ type: '@acme/mq-nats' })).toMatchObject({ name: 'nats' })
  })

  it('says what to install, and what is there', async () => {
    await applicationWith({ '@mq/rabbitmq': adapterSource })
    const error = await mqErrorOf(() => loadAdapter('kafka://a:9092'), 'MQ_ADAPTER_NOT_INSTALLED')
    expect(error.message).toContain('npm install @mq/kafka')
    expect(error.message).toMatch(/Installed adapters: .*rabbitmq/)
    const scoped = await mqErrorOf(() => loadAdapter({ type: '@acme/mq-other' }), 'MQ_ADAPTER_NOT_INSTALLED')
    expect(scoped.message).toContain('npm install @acme/mq-other')
  })

  it.each([
    ['has no default export', 'export const nats = () => ({})', 'exports no adapter factory by default'],
    ['has a default export that is no function', 'export default {}', 'exports no adapter factory by default'],
    ['has a factory that returns nothing', 'export default () => {}', 'undefined'],
    ['has a factory that returns no adapter', 'export default () => ({ connect() {} })', 'it has no disconnect'],
    [
      'has a factory whose adapter has no capabilities',
      adapterSource.replace(/capabilities: \{[^}]*\}/, 'capabilities: null'),
      'no capabilities',
    ],
    [
      'has a factory whose adapter is of a newer contract',
      'export default () => ({ contract: 3 })',
      'written for version 3 of the contract and this @mq/core for 2: update @mq/core',
    ],
    [
      'has a factory whose adapter is of an older contract',
      'export default () => ({ contract: 1 })',
      'written for version 1 of the contract and this @mq/core for 2: update the adapter',
    ],
    [
      'has a factory whose adapter names no version of the contract, as those of the first did',
      adapterSource.replace('contract: 2', 'contract: undefined'),
      'written for version 1 of the contract and this @mq/core for 2: update the adapter',
    ],
    [
      'has a factory whose adapter names a version of the contract that is no number',
      adapterSource.replace('contract: 2', 'contract: "2"'),
      'contract must be a number',
    ],
    [
      'has a factory whose adapter lacks a capability',
      adapterSource.replace('maxDelayMs: 1e9, ', ''),
      'it has no capabilities.maxDelayMs',
    ],
    ['throws while it is loaded', 'throw new Error("native part missing")', 'native part missing'],
    ['is no JavaScript', 'export default <', 'cannot be loaded'],
  ])('names a package that %s', async (_, source, why) => {
    await applicationWith({ '@acme/mq-broken': source })
    const error = await mqErrorOf(() => loadAdapter({ type: '@acme/mq-broken' }), 'MQ_ADAPTER_INVALID')
    expect(error.message).toContain('@acme/mq-broken')
    expect(error.message).toContain(why)
  })

  it('refuses a type that is not known before it looks for anything', async () => {
    const error = await mqErrorOf(() => loadAdapter({ type: 'sqs' } as never), 'MQ_UNSUPPORTED_TYPE')
    expect(error.message).toContain('Unsupported queue type: sqs')
  })

  it.each([undefined, null, 5, true])('refuses %s with a TypeError', async (target) => {
    await typeErrorOf(() => loadAdapter(target as never))
    await typeErrorOf(() => openQueue(target as unknown as QueueAddress))
  })
})

describe('openQueue', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('resolves to a connected queue, over an adapter value too', async () => {
    const adapter = fakeAdapter()
    const queue = await openQueue(adapter, { group: 'welcome' })
    expect(queue.health().state).toBe('connected')
    expect(queue.type).toBe('fake')
    await applicationWith({ '@acme/mq-nats': adapterSource })
    expect((await openQueue({ type: '@acme/mq-nats' })).type).toBe('nats')
  })

  it('rejects with what connecting rejects with', async () => {
    const cause = new Error('refused')
    const adapter = fakeAdapter({ connect: () => Promise.reject(cause) })
    await expect(openQueue(adapter)).rejects.toBe(cause)
  })

  it('refuses bad options before it connects', async () => {
    const adapter = fakeAdapter()
    await mqErrorOf(() => openQueue(adapter, { gruop: 'welcome' } as object), 'MQ_INVALID_OPTION')
    expect(adapter.calls).toEqual([])
  })
})

describe('openQueue with adapters', () => {
  afterEach(() => void vi.restoreAllMocks())

  /** A factory that takes URLs of one scheme only, as ours do. */
  const factory = (name: string, scheme: string) => {
    const given: unknown[] = []
    const make = (options: { readonly url?: string; readonly size?: number } = {}) => {
      if (options.url !== undefined && !options.url.startsWith(scheme)) {
        throw new MqError('MQ_INVALID_URL', `no URL of ${name}`)
      }
      if (options.url?.endsWith('/bad') === true) throw new MqError('MQ_INVALID_URL', `a bad URL of ${name}`)
      given.push(options)
      return { ...fakeAdapter(), name }
    }
    return { make, given }
  }

  it.each([
    ['redis://a:1', 'redis'],
    ['rediss://a:1', 'redis'],
    [{ type: 'kafka', url: 'kafka://a:1', size: 3 }, 'kafka'],
    [{ type: '@acme/mq-nats', size: 3 }, 'nats'],
    ['nats://a:1', 'nats'],
  ] as const)('takes the one that fits %j, and no package is looked for', async (address, type) => {
    await applicationWith({})
    const all = [factory('redis', 'redis'), factory('kafka', 'kafka://'), factory('nats', 'nats://')]
    const queue = await openQueue(address, { adapters: all.map(({ make }) => make), group: 'g' })
    expect(queue.type).toBe(type)
  })

  it('shows the error of the factory that fits', async () => {
    const adapters = [factory('kafka', 'kafka://').make, factory('redis', 'redis://').make]
    const error = await mqErrorOf(() => openQueue('redis://a/bad', { adapters }), 'MQ_INVALID_URL')
    expect(error.message).toContain('a bad URL of redis')
    await mqErrorOf(() => openQueue('nats://a', { adapters }), 'MQ_UNSUPPORTED_TYPE')
    await mqErrorOf(() => openQueue('nats://a', { adapters: adapters.slice(1) }), 'MQ_INVALID_URL')
  })

  it('loads the package of a type that is not among them, and says how to pass it if there is none', async () => {
    await applicationWith({ '@mq/kafka': adapterSource })
    const adapters = [factory('redis', 'redis://').make]
    expect(await loadAdapter('kafka://a:9092', { adapters })).toMatchObject({ name: 'nats' })
    await applicationWith({})
    const error = await mqErrorOf(() => openQueue('kafka://a:9092', { adapters }), 'MQ_ADAPTER_NOT_INSTALLED')
    expect(error.message).toContain('openQueue(url, { adapters: [kafka] })')
  })

  it('refuses what is no list of factories', async () => {
    for (const adapters of [{}, 'redis', [5], [fakeAdapter()]]) {
      await typeErrorOf(() => openQueue('redis://a', { adapters: adapters as never }))
    }
  })
})
