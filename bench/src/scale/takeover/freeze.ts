import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@mq/test-brokers'
import { type Part, type Setting, type Sheet, shown } from '../part.js'
import { type Stage, withStage } from './stage.js'

/** Measures which messages are taken over because the server stands still for some seconds. */
export const freeze: Part = { name: 'freeze', needsServer: true, measure }

const beginMs = 60_000

async function measure(setting: Setting): Promise<Sheet> {
  setting.print(`freeze: ${setting.sizes.freeze} s`)
  const { inHand, takenOver, again, firstMs } = await withStage(setting, (stage) => standStill(setting, stage))
  return {
    title: 'A server that stands still while two consumers have work in hand',
    head: ['stood still for, s', 'in hand', 'taken over', 'run again by their owner', 'first of them after, s'],
    rows: [[shown(setting.sizes.freeze, 1), shown(inHand), shown(takenOver), shown(again), shown(firstMs / 1_000, 1)]],
    pictures: [],
  }
}

async function standStill({ sizes }: Setting, stage: Stage) {
  const { server } = stage.broker
  if (server === undefined) throw new Error('Only a server can stand still')
  const count = 2 * sizes['in-hand']
  await Promise.all(Array.from({ length: 2 }, () => stage.start({ concurrency: count })))
  await Promise.all(Array.from({ length: count }, () => stage.publish()))
  await until(() => stage.runs().length >= count, { what: 'every message to be begun', timeoutMs: beginMs })
  const owners = new Map(stage.runs().map(({ number, consumer }) => [number, consumer]))
  const before = stage.runs().length
  const pausedAt = Date.now()
  await server.pause()
  await sleep(sizes.freeze * 1_000)
  await server.resume()
  await sleep(sizes.watch * 1_000)
  const later = stage.runs().filter(({ at }) => at >= pausedAt)
  const byOthers = later.filter(({ number, consumer }) => owners.get(number) !== consumer)
  return {
    inHand: before,
    takenOver: new Set(byOthers.map(({ number }) => number)).size,
    again: later.length - byOthers.length,
    firstMs: later.length === 0 ? Number.NaN : Math.min(...later.map(({ at }) => at)) - pausedAt,
  }
}
