import { expect, it } from 'vitest'
import { createScheduler, defineTask } from '../../src/index.js'
import { connected } from '../support/queues.js'

const task = defineTask<number, number>({ name: 'double', execute: (input) => input * 2 })
const misspelt = { delayMS: 5 } as object
const refused = (name: string) => ({
  code: 'MQ_INVALID_OPTION',
  message: expect.stringContaining(`${name} has no option 'delayMS'`),
})

it.each(['enqueue', 'enqueueAll', 'run', 'register', 'route', 'cancel'] as const)(
  '%s refuses an option that it does not have, before anything is sent',
  async (name) => {
    const { queue, adapter } = await connected({}, { group: 'app' })
    const scheduler = createScheduler(queue)
    const calls = {
      enqueue: () => scheduler.enqueue(task, 1, misspelt),
      enqueueAll: () => scheduler.enqueueAll(task, [1], misspelt),
      run: () => scheduler.run(task, 1, misspelt),
      register: () => scheduler.register(task, misspelt),
      route: () => scheduler.route('number', task, () => 1, misspelt),
      cancel: () => scheduler.cancel('id', misspelt),
    }
    await expect(calls[name]()).rejects.toMatchObject(refused(name))
    expect(adapter.published).toEqual([])
    await scheduler.stop()
    await queue.disconnect()
  },
)

it('publishAll and publish refuse an option that they do not have', async () => {
  const { queue } = await connected()
  await expect(queue.publish('number', 1, misspelt)).rejects.toMatchObject(refused('publish'))
  await expect(queue.publishAll('number', [1], misspelt)).rejects.toMatchObject(refused('publishAll'))
})
