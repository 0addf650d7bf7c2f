import { brokers } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../src/brokers.js'
import type { Broker } from '../src/contenders.js'
import { shapesOf } from '../src/scale/idle/shapes.js'
import type { Setting, Sheet } from '../src/scale/part.js'
import { parts } from '../src/scale/parts.js'
import { svgOf } from '../src/scale/picture.js'
import { defaultSizes, type Sizes, sizesFrom } from '../src/scale/sizes.js'

/** The smallest sizes that run everything. */
const tiny: Sizes = {
  ...defaultSizes,
  subscriptions: [2],
  groups: [],
  spread: [],
  settle: 0.01,
  window: 0.1,
  deliveries: 10,
  trials: 1,
  'in-hand': 2,
  patience: 0.5,
  stall: 0.1,
  freeze: 0.1,
  watch: 0.1,
  'per-second': 50,
  step: 0.1,
  rounds: 1,
  messages: 50,
  bodies: [1_024],
  'in-flight': [2],
  backlog: [50],
}

const timeout = 120_000

const settingOf = (broker: Broker, sizes: Sizes): Setting => ({
  broker,
  sizes,
  env: {},
  print: () => {},
  start: () => startBroker(broker),
})

/** Measures a part in processes that run the sources. */
function measured(broker: Broker, name: string): Promise<Sheet> {
  const setting = settingOf(broker, tiny)
  const part = parts.find((one) => one.name === name)
  if (part === undefined) throw new Error(`There is no part ${name}`)
  return part.measure(setting)
}

/** Returns the first row of a sheet, by the names of its columns. */
const firstRow = ({ head, rows }: Sheet): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(head.map((name, index) => [name, rows[0]?.[index]]))

const number = expect.stringMatching(/^[\d,.]+$/)

describe('the measurement of scale, with tiny sizes', () => {
  it('measures idle subscriptions of the embedded broker, and no socket', { timeout }, async () => {
    const sheet = await measured('memory', 'idle')
    expect(firstRow(sheet)).toMatchObject({
      subscriptions: '2, a topic each',
      'all handled, ms': number,
      'commands/s, sent': '-',
      'broker, % of a core': '-',
    })
  })

  it.each(['throughput', 'bodies', 'in-flight'])('measures %s on the embedded broker', { timeout }, async (name) => {
    expect(firstRow(await measured('memory', name))).toMatchObject({ 'publish/s': number, 'drain/s': number })
  })

  describe.skipIf(!brokers.owned('redis'))('on Redis', () => {
    it('measures idle subscriptions', { timeout }, async () => {
      expect(firstRow(await measured('redis', 'idle'))).toMatchObject({
        sockets: number,
        'commands/s, sent': number,
        'commands/s, run': number,
      })
    })

    it('kills a consumer with work in hand', { timeout }, async () => {
      expect(firstRow(await measured('redis', 'takeover'))).toMatchObject({ trials: '1', 'in hand': '2' })
    })

    it('holds the event loop of a handler', { timeout }, async () => {
      expect(firstRow(await measured('redis', 'stall'))).toMatchObject({
        'its run ended': 'yes',
        'runs in other processes': '0',
      })
    })

    it('lets the server stand still', { timeout }, async () => {
      expect(firstRow(await measured('redis', 'freeze'))).toMatchObject({ 'in hand': '4', 'taken over': '0' })
    })

    it('replaces three processes while messages flow', { timeout }, async () => {
      expect(firstRow(await measured('redis', 'deploy'))).toMatchObject({
        'longest wait, ms': number,
        'run twice': '0',
      })
    })

    it('fills a backlog and drains it, and draws what it has measured', { timeout }, async () => {
      const sheet = await measured('redis', 'backlog')
      expect(firstRow(sheet)).toMatchObject({ waiting: '50', system: '@mq/redis', 'drain/s': number })
      expect(sheet.rows.map(([, system]) => system)).toEqual(['@mq/redis', 'ioredis, body alone'])
      for (const picture of sheet.pictures) {
        expect(svgOf(picture, 'A backlog')).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>\n$/)
      }
    })
  })

  it('lays subscriptions on topics and groups, and on Kafka also on few topics', () => {
    const sizes = { ...defaultSizes, subscriptions: [3], groups: [4] }
    const shapes = [
      { kind: 'topics', title: '3, a topic each', topics: 3, groups: 1 },
      { kind: 'groups', title: '4 groups of one topic', topics: 1, groups: 4 },
    ]
    expect(shapesOf(settingOf('redis', sizes))).toEqual(shapes)
    expect(shapesOf(settingOf('kafka', sizes))).toEqual([
      ...shapes,
      { kind: 'spread', title: '200 on 50 topics', topics: 50, groups: 4 },
    ])
  })

  it('reads its sizes from a command line, and refuses what is no number', () => {
    expect(sizesFrom({ subscriptions: '3,5', stall: '1.5' })).toEqual({
      ...defaultSizes,
      subscriptions: [3, 5],
      stall: 1.5,
    })
    expect(() => sizesFrom({ stall: 'long' })).toThrow('--stall must be a number above 0, not long')
    expect(() => sizesFrom({ backlog: '1,many' })).toThrow('--backlog must be a list of numbers above 0, not 1,many')
  })
})
