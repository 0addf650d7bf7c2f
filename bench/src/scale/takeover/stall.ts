import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@mq/test-brokers'
import { type Part, type Setting, type Sheet, shown } from '../part.js'
import { type Stage, withStage } from './stage.js'

/** Measures whether a handler that holds the event loop keeps its message while two other consumers are idle. */
export const stall: Part = { name: 'stall', needsServer: true, measure }

const beginMs = 60_000
/** How much longer than the stall the end of the run may take. */
const lateMs = 30_000

async function measure(setting: Setting): Promise<Sheet> {
  setting.print(`stall: ${setting.sizes.stall} s`)
  const { elsewhere, again, firstMs, hasEnded } = await withStage(setting, (stage) => hold(setting, stage))
  return {
    title: 'A handler that holds the event loop, beside two idle consumers',
    head: [
      'held for, s',
      'its run ended',
      'runs in other processes',
      'first of them after, s',
      'runs again in its own',
    ],
    rows: [
      [
        shown(setting.sizes.stall, 1),
        hasEnded ? 'yes' : 'no',
        shown(elsewhere),
        shown(firstMs / 1_000, 1),
        shown(again),
      ],
    ],
    pictures: [],
  }
}

async function hold({ sizes }: Setting, stage: Stage) {
  await Promise.all(Array.from({ length: 3 }, () => stage.start({ concurrency: 1, handlerMs: 0 })))
  const ms = sizes.stall * 1_000
  await stage.publish({ stall: { ms, since: Date.now() } })
  await until(() => stage.runs().length > 0, { what: 'the message to be begun', timeoutMs: beginMs })
  const [first] = stage.runs()
  const hasEnded = (): boolean => first?.consumer.reported().some(({ type }) => type === 'ended') ?? false
  await until(hasEnded, { what: 'the run to end', timeoutMs: ms + lateMs }).catch(() => {})
  await sleep(sizes.watch * 1_000)
  const others = stage.runs().filter(({ consumer }) => consumer !== first?.consumer)
  return {
    elsewhere: others.length,
    again: stage.runs().length - others.length - 1,
    firstMs: others.length === 0 ? Number.NaN : Math.min(...others.map(({ at }) => at)) - (first?.at ?? 0),
    hasEnded: hasEnded(),
  }
}
