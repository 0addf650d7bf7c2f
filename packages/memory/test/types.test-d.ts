import { defineTask } from '@mq/core'
import { type TaskRun, testBench } from '@mq/memory/testing'
import { describe, expectTypeOf, it } from 'vitest'

const task = defineTask<{ url: string }, number>({ name: 'fetch', execute: ({ url }) => url.length })

describe('a test bench', () => {
  it('types the runs of a task as the task', async () => {
    const { runs } = await testBench()
    expectTypeOf(runs(task)).toEqualTypeOf<readonly TaskRun<{ url: string }, number>[]>()
    for (const run of runs(task)) {
      expectTypeOf(run.input.url).toBeString()
      if (run.status === 'completed') expectTypeOf(run.result).toBeNumber()
      if (run.status === 'failed') expectTypeOf(run.error).toBeUnknown()
      // @ts-expect-error: only a completed run has one
      if (run.status === 'failed') run.result
    }
    expectTypeOf(runs()).toEqualTypeOf<readonly TaskRun[]>()
  })
})
