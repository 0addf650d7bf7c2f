import * as fc from 'fast-check'
import { type Arena, type TaskTopic, taskTopics } from '../arena.js'
import { hostileBlob, hostileText } from '../blob.js'
import { type Attack, type Generator, generator, type Written } from '../hostile.js'
import type { Foreign, WriteForeign } from './foreign.js'

/** To whichever topic of tasks; `{instance}` and `{running}` stand for who asks and for what runs. */
interface ToTasks {
  readonly to: TaskTopic
  readonly foreign: Foreign
}

const secondMs = 1_000
const year = 365 * 24 * 60 * 60 * secondMs
const json = (value: unknown): { readonly text: string } => ({ text: JSON.stringify(value) })

const toTask: fc.Arbitrary<ToTasks> = fc
  .record({
    extensions: fc.dictionary(
      fc.constantFrom('taskreplyto', 'taskdeadline', 'taskcopy', 'taskoncems', 'id'),
      fc.oneof(
        hostileText(2_000),
        fc.constantFrom('+275760-09-13T00:00:00.000Z', '1e308', '-1', 'Infinity', '2020-01-01T00:00:00Z'),
      ),
    ),
    body: fc.oneof(
      hostileBlob(5_000),
      fc.constantFrom(json({ name: '__proto__' }), json({ name: 7 }), json(null), json({ name: 'x'.repeat(5_000) })),
    ),
  })
  .map(({ extensions, body }) => ({ to: 'task', foreign: { attributes: { ...extensions }, headers: {}, body } }))

const toControl: fc.Arbitrary<ToTasks> = fc
  .oneof(
    hostileBlob(5_000),
    fc.oneof(hostileText(), fc.constantFrom(null, 7, ['a'], { a: 1 })).map((cancel) => json({ cancel })),
  )
  .map((body) => ({ to: 'control', foreign: { attributes: {}, headers: {}, body } }))

const oddNumber = fc.oneof(
  fc.constantFrom(-1e308, 1e308, -1, 0.5, 2, 1e21, Number.MAX_SAFE_INTEGER),
  fc.double({ noNaN: true }),
)

/** Progress that its task never made. */
const toReplies: fc.Arbitrary<ToTasks> = fc
  .oneof(
    hostileBlob(5_000),
    fc
      .record({
        fraction: oddNumber,
        number: oddNumber,
        attempt: oddNumber,
        note: fc.option(
          fc.integer({ min: 0, max: 100_000 }).map((length) => 'n'.repeat(length)),
          { nil: undefined },
        ),
      })
      .map((step) => json({ id: '{running}', step })),
  )
  .map((body) => ({
    to: 'replies',
    foreign: {
      attributes: { taskreplyfor: '{instance}', datacontenttype: 'application/octet-stream' },
      headers: {},
      body,
    },
  }))

const toSchedule: fc.Arbitrary<ToTasks> = fc
  .record({
    kind: fc.constantFrom('due', 'overdue', 'ahead', 'ran', '__proto__'),
    inMs: fc.oneof(fc.constantFrom(0, -year, year, 1_000 * year), fc.integer({ min: -100_000, max: 100_000 })),
    rule: fc.oneof(hostileText(500), fc.constant('every 1000 ms')),
  })
  .map(({ kind, inMs, rule }) => ({
    to: 'schedule',
    foreign: { attributes: { partitionkey: 'k' }, headers: {}, body: json({ kind, tick: `{in ${inMs}}`, rule }) },
  }))

const filled = (text: string, { instance, runningTask }: Attack): string =>
  text
    .replaceAll('{instance}', instance)
    .replaceAll('{running}', runningTask)
    .replace(/\{in (-?\d+)\}/g, (_, inMs) => new Date(Date.now() + Number(inMs)).toISOString())

/** What schedulers tell each other is read from topics that anybody may write to. */
export function taskGenerators(broker: string, write: WriteForeign): readonly Generator[] {
  const send = async (topic: string, foreign: Foreign, attack: Attack): Promise<Written> => {
    const attributes = Object.fromEntries(
      Object.entries(foreign.attributes).map(([name, value]) => [name, filled(value, attack)]),
    )
    const body = 'text' in foreign.body ? { text: filled(foreign.body.text, attack) } : foreign.body
    return await write(topic, { ...foreign, attributes, body }, attack)
  }
  const ignored = async ({ to, foreign }: ToTasks, attack: Attack): Promise<Written> => ({
    ...(await send(taskTopics[to](attack.arena), foreign, attack)),
    fate: 'ignored',
  })
  const tasks = { tasks: true } as const
  const of = (name: string, entry: fc.Arbitrary<ToTasks>): Generator =>
    generator({
      name: `${broker}/${name}`,
      entries: fc.array(entry, { minLength: 1, maxLength: 10 }),
      arena: tasks,
      write: ignored,
    })

  return [
    of('task-input', toTask),
    of('task-control', toControl),
    of('task-replies', toReplies),
    of('task-schedule', toSchedule),
    generator({
      name: `${broker}/task-ran`,
      entries: fc.array(fc.record({ seconds: fc.integer({ min: 1, max: 90 }) }), { minLength: 1, maxLength: 1 }),
      arena: tasks,
      async write({ seconds }, attack) {
        const first = Math.ceil(Date.now() / secondMs) * secondMs
        const times = Array.from({ length: seconds }, (_, index) => new Date(first + index * secondMs).toISOString())
        await Promise.all(times.map((tick) => ranTick(tick, attack)))
        return { fate: 'ignored', names: [], bytes: 0 }
      },
    }),
  ]

  async function ranTick(tick: string, attack: Attack): Promise<void> {
    const body = json({ kind: 'ran', tick, rule: 'every 1000 ms' })
    // With an id of its own, because a broker may ignore repeated ones.
    const attributes = { id: `ran ${tick}`, partitionkey: 'k' }
    await send(scheduleOf(attack.arena), { attributes, headers: {}, body }, attack)
  }
}

const scheduleOf = (arena: Arena): string => taskTopics.schedule(arena)
