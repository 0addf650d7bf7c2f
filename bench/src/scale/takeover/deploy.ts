import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@mq/test-brokers'
import { percentile } from '../../measure.js'
import { type Part, type Setting, type Sheet, shown } from '../part.js'
import { type Stage, withStage } from './stage.js'

/** Measures how long messages wait while three processes are replaced one after the other, each new one before the old one leaves. */
export const deploy: Part = { name: 'deploy', needsServer: true, measure }

const processes = 3
const options = { concurrency: 10, handlerMs: 20 }
const leaveMs = 45_000

async function measure(setting: Setting): Promise<Sheet> {
  setting.print(`deploy: ${processes} processes at ${setting.sizes['per-second']} messages a second`)
  const { published, waits, never, twice } = await withStage(setting, (stage) => replaceAll(setting, stage))
  return {
    title: 'A rolling deploy of three processes',
    head: ['messages', 'wait p50, ms', 'wait p99, ms', 'longest wait, ms', 'run twice', 'never run'],
    rows: [
      [
        shown(published),
        shown(percentile(waits, 0.5)),
        shown(percentile(waits, 0.99)),
        shown(waits.at(-1)),
        shown(twice),
        shown(never),
      ],
    ],
    pictures: [],
  }
}

async function replaceAll({ sizes }: Setting, stage: Stage) {
  const running = await Promise.all(Array.from({ length: processes }, () => stage.start(options)))
  const publisher = publishSteadily(stage, sizes['per-second'])
  try {
    await sleep(sizes.step * 1_000)
    for (const old of running) {
      await stage.start(options)
      await old.stop({ timeoutMs: leaveMs })
      await sleep(sizes.step * 1_000)
    }
  } finally {
    await publisher.stop()
  }
  const { published } = stage
  const isDone = (): boolean => new Set(stage.runs().map(({ number }) => number)).size === published.length
  const timeoutMs = sizes.patience * 1_000
  await until(isDone, { what: 'every message to be begun', timeoutMs }).catch(() => {})
  const runs = stage.runs()
  const firsts = new Map<number, number>()
  for (const { number, at } of runs) firsts.set(number, Math.min(firsts.get(number) ?? at, at))
  return {
    published: published.length,
    waits: [...firsts].map(([number, at]) => at - (published[number] ?? at)).sort((one, other) => one - other),
    never: published.length - firsts.size,
    twice: runs.length - firsts.size,
  }
}

/** Publishes at a steady rate until it is stopped. */
function publishSteadily(stage: Stage, perSecond: number) {
  const sends: Promise<void>[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond
    while (sends.length < due) {
      const send = stage.publish()
      // Awaited at the end, where it rejects.
      send.catch(() => {})
      sends.push(send)
    }
  }, 5)
  return {
    async stop(): Promise<void> {
      clearInterval(timer)
      await Promise.all(sends)
    },
  }
}
