import { describe, expect, it } from 'vitest'
import { createRunMarks } from '../src/consume/own-run.js'
import { markedBy } from '../src/consume/run.js'
import { gate } from './support/queues.js'

const message = undefined as never
const context = undefined as never

describe.each([
  ['the stack', true],
  ['the asynchronous context, as in Bun,', false],
])('a run that is recognised by %s', (_, byStack) => {
  const marks = createRunMarks({ byStack })

  it('is seen from inside before it awaits, after it has, and from the functions that it awaits', async () => {
    const [own, other, elsewhere] = [marks.next(), marks.next(), createRunMarks({ byStack })]
    const seen: boolean[][] = []
    const look = () => void seen.push([own.isInside(), marks.isInside(), other.isInside(), elsewhere.isInside()])
    const handler = async () => {
      look()
      await new Promise((resolve) => setImmediate(resolve))
      look()
      const inner = async () => {
        await Promise.resolve()
        look()
      }
      await Promise.all([inner()])
    }
    await own.awaiting(() => markedBy(own, handler)(message, context))
    await own.awaiting(handler)
    expect(seen).toEqual(Array.from({ length: 6 }, () => [true, true, false, false]))
  })

  it('is seen from a handler that is not asynchronous, and its errors pass', async () => {
    const own = marks.next()
    const failing = markedBy(own, () => {
      throw new Error(String(own.isInside()))
    })
    expect(() => failing(message, context)).toThrow('true')
    await expect(own.awaiting(() => Promise.reject(new Error('late')))).rejects.toThrow('late')
  })

  it('is not seen from outside, nor from inside another run that it has begun', async () => {
    const [own, other] = [marks.next(), marks.next()]
    expect([own.isInside(), marks.isInside()]).toEqual([false, false])
    const seen: boolean[] = []
    const entered = gate()
    await own.awaiting(async () => {
      const look = async () => {
        await entered.passed
        seen.push(own.isInside(), other.isInside())
      }
      void other.awaiting(() => markedBy(other, look)(message, context)).then(() => seen.push(true))
      entered.open()
      await Promise.resolve()
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([false, true, true])
  })

  it('is not seen from what it has left behind when it ended', async () => {
    const own = marks.next()
    const ended = gate()
    let left: Promise<boolean> | undefined
    await own.awaiting(async () => {
      left = ended.passed.then(() => own.isInside())
    })
    ended.open()
    expect(await left).toBe(false)
  })
})
