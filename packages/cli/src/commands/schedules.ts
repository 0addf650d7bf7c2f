import type { Queue } from '@mq/core'
import { replicasGroup as group, scheduleOfTopic, scheduleTopic } from '@mq/core/adapter'
import { CommandFailure, exitCode } from '../exit-codes.js'
import { readPages } from '../input/pages.js'
import { safeText, shortened } from '../output/escape.js'
import { pauseJson, shownPause } from '../output/pause.js'
import { isoTime, shownCount, shownTime } from '../output/show.js'
import type { Session } from '../session.js'
import type { Register } from './register.js'

export const schedules: Register = (program, run) => {
  program
    .command('schedules')
    .description('list the schedules that tasks are enqueued by, with their next time')
    .addHelpText('after', examples)
    .action(run((session) => listSchedules(session)))
}

const examples = `
It looks through the topics, of which each schedule has one. RabbitMQ needs its management API: MQ_MANAGEMENT_URL=http://localhost:15672.
Without a replica no task is enqueued. What the broker does not know is "unknown", and null in JSON.

Examples:
  mq schedules
  mq schedules --json | jq -r '.schedules[] | select(.replicas == 0) | .schedule'`

interface Schedule {
  readonly schedule: string
  readonly replicas: number | undefined
  readonly next: Tick | undefined
  readonly paused: Parameters<typeof pauseJson>[0]
}

interface Tick {
  readonly time: number
  readonly rule: string
}

async function listSchedules(session: Session): Promise<void> {
  const { screen, options, signal } = session
  await session.withQueue(async (queue) => {
    const all = { limit: Number.POSITIVE_INFINITY, after: undefined }
    const { items: topics } = await readPages((page) => queue.topics(page), all, signal)
    const found: Schedule[] = []
    for (const { topic } of topics) {
      const name = scheduleOfTopic(topic)
      if (name !== undefined && !signal.aborted) found.push(await scheduleOf(queue, name))
    }
    if (signal.aborted) throw new CommandFailure(exitCode.brokenOff, 'Broken off')
    if (options.json) await screen.json({ schedules: found.map(scheduleJson) })
    else if (found.length > 0) await screen.table({ head, numbers: ['replicas'], rows: found.map(row) })
    else screen.note('mq: there are no schedules')
  })
}

async function scheduleOf(queue: Queue, name: string): Promise<Schedule> {
  const { capabilities } = queue
  const topic = scheduleTopic(name)
  const infos = capabilities.listsGroups ? (await queue.groups(topic, { limit: 1_000 })).items : []
  const info = infos.find((one) => one.group === group)
  return {
    schedule: name,
    replicas: info === undefined ? undefined : info.consumers,
    next: capabilities.listsWaiting ? await nextTick(queue, topic) : undefined,
    paused: info?.paused,
  }
}

/** Reads the tick that waits at the broker. One that comes before its time waits again as if for a retry. */
async function nextTick(queue: Queue, topic: string): Promise<Tick | undefined> {
  const waiting = queue.waiting(topic, group)
  const ticks: Tick[] = []
  for (const state of ['delayed', 'retrying'] as const) {
    for (const { data } of (await waiting.list({ state, limit: 100 })).items) ticks.push(...tickIn(data))
  }
  return ticks.sort((one, other) => one.time - other.time)[0]
}

/** Reads what a replica has written. Other programs may write there, too. */
function tickIn(data: unknown): readonly Tick[] {
  const { tick, rule } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const time = typeof tick === 'string' ? Date.parse(tick) : Number.NaN
  return Number.isNaN(time) || typeof rule !== 'string' ? [] : [{ time, rule }]
}

const head = ['schedule', 'replicas', 'next', 'rule', 'paused']

const row = ({ schedule, replicas, next, paused }: Schedule): readonly string[] => [
  safeText(schedule),
  shownCount(replicas),
  next === undefined ? 'unknown' : shownTime(next.time),
  next === undefined ? 'unknown' : shortened(next.rule, 60),
  shownPause(paused),
]

const scheduleJson = ({ schedule, replicas, next, paused }: Schedule) => ({
  schedule,
  replicas: replicas ?? null,
  next: next === undefined ? null : isoTime(next.time),
  rule: next?.rule ?? null,
  paused: pauseJson(paused),
})
