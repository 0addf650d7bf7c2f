import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fifo } from '../../src/adapter-kit/fifo.js'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  for (let round = 0; round < 10 && reference.deref() !== undefined; round++) {
    await turn()
    collect()
  }
  return reference.deref() === undefined
}

/** In a function of its own, so that no frame keeps the object. */
function passed(queue: Fifo<object>, leave: (queue: Fifo<object>) => void): WeakRef<object> {
  const item = {}
  queue.push(item)
  leave(queue)
  return new WeakRef(item)
}

describe('a queue', () => {
  it('behaves like an array', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ does: fc.constant('push' as const), times: fc.nat({ max: 80 }) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('unshift' as const), times: fc.nat({ max: 80 }) }) },
      { weight: 6, arbitrary: fc.record({ does: fc.constant('shift' as const), times: fc.nat({ max: 90 }) }) },
      { weight: 1, arbitrary: fc.record({ does: fc.constant('clear' as const), times: fc.constant(1) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new Fifo<number>()
        const model: number[] = []
        let next = 0
        for (const { does, times } of steps) {
          for (let left = times; left > 0; left--) {
            if (does === 'shift') expect(queue.shift()).toBe(model.shift())
            else if (does === 'clear') {
              queue.clear()
              model.length = 0
            } else {
              queue[does](next)
              model[does](next++)
            }
          }
          expect(queue.length, 'length').toBe(model.length)
          expect(queue.first, 'first').toBe(model[0])
          expect([...queue], 'items').toEqual(model)
        }
      }),
    )
  })

  it.each<[string, (queue: Fifo<object>) => void]>([
    ['was taken', (queue) => void queue.shift()],
    ['was cleared away', (queue) => queue.clear()],
  ])('keeps no reference to what %s', async (_, leave) => {
    const queue = new Fifo<object>()
    const reference = passed(queue, leave)
    queue.push({})
    expect(await isCollected(reference)).toBe(true)
    expect(queue.length).toBe(1)
  })

  it('takes from the front of a hundred thousand as fast as from the front of ten', () => {
    const queue = new Fifo<number>()
    for (let item = 0; item < 100_000; item++) queue.push(item)
    const begin = performance.now()
    let sum = 0
    for (let left = 100_000; left > 0; left--) {
      sum += queue.shift() ?? 0
      queue.push(1)
    }
    expect(sum).toBe((100_000 * 99_999) / 2)
    // An array moved on by each shift takes seconds.
    expect(performance.now() - begin).toBeLessThan(500)
  })
})
