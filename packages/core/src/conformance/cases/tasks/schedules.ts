import assert from 'node:assert/strict'
import type { ScheduleRule } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { rejection } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { stageTask, type TaskRunSeen } from '../../kit/task-cases.js'

const patience = { timeoutMs: 30_000 } as const

/** Tests that ticks happen as long as one replica is alive. */
export const taskSchedules: readonly ConformanceCase[] = [
  {
    id: 'TSK-29',
    title:
      'a schedule with two replicas runs its task once at each tick and never early, also while one of them leaves',
    promises: [16, 20],
    level: 'required',
    timeoutMs: 120_000,
    unless: ({ orderedKeys }) => (orderedKeys ? undefined : 'without orderedKeys a schedule needs a store'),
    run: (kit) => twoReplicas(kit, { rule: { everyMs: 500 }, stepMs: 500 }),
  },
  {
    id: 'TSK-30',
    title: 'with a store, a cron schedule with two replicas runs its task once at each tick',
    promises: [18, 20],
    level: 'required',
    timeoutMs: 120_000,
    run: (kit) => twoReplicas(kit, { rule: { cron: '* * * * * *' }, stepMs: 1_000, hasStore: true }),
  },
  {
    id: 'TSK-31',
    title: 'an impossible schedule is refused with the reason, and the others are listed',
    promises: [20],
    level: 'required',
    async run(kit) {
      const { asker, task } = await stageTask(kit, { idle: true, scheduler: { store: kit.store } })
      const name = kit.topic()
      const wrong: readonly ScheduleRule[] = [
        { cron: 'every day' },
        { cron: '0 9 * * *', timeZone: 'Europe/Nowhere' },
        { everyMs: 0 },
        { everyMs: Number.NaN },
      ]
      for (const rule of wrong) await rejection(asker.schedule(name, rule, task, 1), 'MQ_INVALID_OPTION')
      assert.deepEqual(asker.schedules(), [])
      await asker.schedule(name, { cron: '0 9 * * 1-5', timeZone: 'Europe/Berlin' }, task, 1)
      await rejection(asker.schedule(name, { everyMs: 1_000 }, task, 1), 'MQ_DUPLICATE_TASK')
      const [listed, ...others] = asker.schedules()
      assert.deepEqual(others, [])
      assert.deepEqual({ name: listed?.name, task: listed?.task }, { name, task: task.name })
      assert.ok((listed?.next?.getTime() ?? 0) > Date.now(), 'the next tick is not in the future')
      const withoutStore = await kit.scheduler()
      const scheduling = withoutStore.schedule(name, { everyMs: 60_000 }, task, 1)
      if (kit.capabilities.orderedKeys) await scheduling
      else await rejection(scheduling, 'MQ_STORE_REQUIRED')
    },
  },
]

interface Plan {
  readonly rule: ScheduleRule
  readonly stepMs: number
  readonly hasStore?: boolean
}

async function twoReplicas(kit: Kit, { rule, stepMs, hasStore = false }: Plan): Promise<void> {
  const scheduler = hasStore ? { store: kit.store } : {}
  const { task, runs } = await stageTask(kit, { scheduler })
  const name = kit.topic('schedule')
  const [leaving, staying] = [await kit.scheduler(scheduler), await kit.scheduler(scheduler)]
  for (const replica of [leaving, staying]) {
    await replica.schedule(name, rule, task, { of: name })
    await replica.start()
  }
  await kit.until('three ticks', () => runs.length >= 3, patience)
  await leaving.stop()
  const before = runs.length
  await kit.until('three more ticks of the other replica', () => runs.length >= before + 3, patience)
  assert.equal(await staying.unschedule(name), true)
  await kit.quiet(() => runs.length)
  assertTicks(runs, { name, stepMs })
}

function assertTicks(
  runs: readonly TaskRunSeen[],
  { name, stepMs }: { readonly name: string; readonly stepMs: number },
) {
  const times = runs.map(({ id, input, startedAt }) => {
    assert.ok(id.startsWith(`${name}@`), `${id} is not a tick of ${name}`)
    const time = Date.parse(id.slice(name.length + 1))
    assert.ok(startedAt >= time, `${id} ran ${time - startedAt} ms early`)
    assert.deepEqual(input, { of: name })
    return time
  })
  times.sort((one, other) => one - other)
  const first = times[0] ?? Number.NaN
  assert.equal(first % stepMs, 0, 'the remainder of a tick, which has to be at a time of the rule')
  assert.deepEqual(
    times,
    times.map((_, index) => first + index * stepMs),
    'a tick ran twice or is missing',
  )
}
