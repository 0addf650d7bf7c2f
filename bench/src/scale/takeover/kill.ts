import { until } from '@mq/test-brokers'
import { medianOf } from '../../table.js'
import { type Part, type Setting, type Sheet, shown } from '../part.js'
import { begunBy, type Stage, withStage } from './stage.js'

/** Measures how long the messages of a consumer that was killed wait until another one has begun them. */
export const takeover: Part = { name: 'takeover', needsServer: true, measure }

interface Figures {
  /** Messages that the victim had begun. */
  readonly inHand: number
  readonly takenOver: number
  /** From the SIGKILL until the first and the last of them began again. NaN if none did in time. */
  readonly firstMs: number
  readonly lastMs: number
  /** Until the last message began that was waiting, in the victim or at the broker. */
  readonly caughtUpMs: number
}

const handlerMs = 5
const startMs = 60_000

async function measure(setting: Setting): Promise<Sheet> {
  const trials: Figures[] = []
  for (let number = 1; number <= setting.sizes.trials; number++) {
    setting.print(`takeover: trial ${number}`)
    trials.push(await withStage(setting, (stage) => kill(setting, stage)))
  }
  const seconds = (of: (figures: Figures) => number): number => medianOf(trials.map(of)) / 1_000
  const sum = (of: (figures: Figures) => number): number => trials.reduce((total, each) => total + of(each), 0)
  return {
    title: 'From the SIGKILL of a consumer with work in hand',
    head: [
      'trials',
      'in hand',
      'taken over',
      'first again, s',
      'all again, s',
      'all again, s, longest',
      'caught up, s',
    ],
    rows: [
      [
        shown(trials.length),
        shown(sum(({ inHand }) => inHand)),
        shown(sum(({ takenOver }) => takenOver)),
        shown(
          seconds(({ firstMs }) => firstMs),
          1,
        ),
        shown(
          seconds(({ lastMs }) => lastMs),
          1,
        ),
        shown(Math.max(...trials.map(({ lastMs }) => lastMs)) / 1_000, 1),
        shown(
          seconds(({ caughtUpMs }) => caughtUpMs),
          1,
        ),
      ],
    ],
    pictures: [
      {
        name: 'takeover',
        kind: 'bars',
        x: { label: 'trial' },
        y: { label: 'seconds since the SIGKILL' },
        points: trials.flatMap(({ firstMs, lastMs }, index) => [
          { series: 'the first message began again', x: `${index + 1}`, y: firstMs / 1_000 },
          { series: 'all messages began again', x: `${index + 1}`, y: lastMs / 1_000 },
        ]),
      },
    ],
  }
}

async function kill({ sizes }: Setting, stage: Stage): Promise<Figures> {
  const inHand = sizes['in-hand']
  const victim = await stage.start({ concurrency: inHand })
  const heir = await stage.start({ concurrency: inHand, handlerMs })
  // Both get messages until the victim holds as many as it takes, and the heir is known to consume.
  await until(
    async () => {
      if (begunBy(stage, victim).length >= inHand && begunBy(stage, heir).length > 0) return true
      await Promise.all(Array.from({ length: inHand }, () => stage.publish()))
      return false
    },
    { what: 'both consumers to have messages', timeoutMs: startMs },
  )
  const held = begunBy(stage, victim)
  const killedAt = Date.now()
  await victim.kill()
  const timeoutMs = sizes.patience * 1_000
  const isDone = (): boolean => begunBy(stage, heir).length >= stage.published.length
  await until(isDone, { what: 'the heir to have begun every message', timeoutMs }).catch(() => {})
  const begun = stage.runs().filter((run) => run.consumer === heir)
  const isHeld = new Set(held)
  const again = begun.filter(({ number, at }) => isHeld.has(number) && at >= killedAt)
  const since = again.map(({ at }) => at - killedAt)
  const isAll = new Set(again.map(({ number }) => number)).size === held.length
  return {
    inHand: held.length,
    takenOver: new Set(again.map(({ number }) => number)).size,
    firstMs: since.length === 0 ? Number.NaN : Math.min(...since),
    lastMs: isAll ? Math.max(...since) : Number.NaN,
    caughtUpMs: isDone() ? Math.max(0, ...begun.map(({ at }) => at - killedAt)) : Number.NaN,
  }
}
