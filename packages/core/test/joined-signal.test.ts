import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { joinedSignal } from '../src/consume/joined-signal.js'
import { deliver, handleOf } from './support/deliveries.js'
import { connected, gate } from './support/queues.js'
import { scheduled } from './support/tasks.js'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** What nothing refers to is gone afterwards, with what follows from that: some of it goes only with the next collection. */
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    await turn()
    collect()
  }
}

const two = () => ({ first: new AbortController(), second: new AbortController() })

describe('a signal joined of others', () => {
  it.each(['first', 'second'] as const)('aborts with the %s, and its reason', (which) => {
    const sources = two()
    const { signal } = joinedSignal(() => [sources.first.signal, sources.second.signal])
    const heard: unknown[] = []
    signal.addEventListener('abort', () => heard.push(signal.reason))
    sources[which].abort('why')
    sources.first.abort('later')
    sources.second.abort('later')
    expect(heard).toEqual(['why'])
  })

  it('has aborted from the start where one of them has', () => {
    const { first, second } = two()
    second.abort('why')
    const { signal } = joinedSignal(() => [first.signal, second.signal])
    expect([signal.aborted, signal.reason]).toEqual([true, 'why'])
  })

  it('looks at them only when it is looked at', () => {
    const joined = joinedSignal(() => expect.unreachable('nobody looked'))
    joined.end()
  })

  it('follows none of them after its end', () => {
    const { first, second } = two()
    const joined = joinedSignal(() => [first.signal, second.signal])
    const { signal } = joined
    joined.end()
    first.abort('too late')
    expect(signal.aborted).toBe(false)
  })

  it('tells what has become of them when it is first looked at after its end', () => {
    const { first, second } = two()
    const joined = joinedSignal(() => [first.signal, second.signal])
    joined.end()
    first.abort('why')
    expect(joined.signal.reason).toBe('why')
  })

  it.each(['ends', 'aborts'] as const)('is held by none of them once it %s', async (how) => {
    const { first, second } = two()
    const joined = (() => {
      const made = joinedSignal(() => [first.signal, second.signal])
      const { signal } = made
      if (how === 'ends') made.end()
      else second.abort()
      return new WeakRef(signal)
    })()
    await collectGarbage()
    expect(joined.deref()).toBeUndefined()
    expect(first.signal.aborted).toBe(false)
  })
})

// Node 24.16 and later lose an abort of AbortSignal.any() when what aborted is collected before anybody has looked.
describe('what has been left behind, and looks at its signal after a garbage collection', () => {
  /** Ends after its run was ended, and then looks. */
  function leaving() {
    const [end, look, looked] = [gate(), gate(), gate()]
    let reason: unknown
    const leave = ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
      void look.passed.then(() => {
        reason = signal.reason
        looked.open()
      })
      return end.passed
    }
    const seen = async (): Promise<unknown> => {
      end.open()
      await collectGarbage()
      look.open()
      await looked.passed
      return reason
    }
    return { leave, seen }
  }

  it('sees that the time of its handler was over', async () => {
    const { leave, seen } = leaving()
    const handle = await handleOf(await connected(), (_, context) => leave(context), { timeoutMs: 5 })
    await deliver(handle).settlement
    expect(await seen()).toMatchObject({ code: 'MQ_HANDLER_TIMEOUT' })
  })

  it('sees that the time of its task was over', async () => {
    const { leave, seen } = leaving()
    const { scheduler, run } = await scheduled()
    await scheduler.register({ name: 'late', timeoutMs: 5, execute: (_: unknown, context) => leave(context) })
    await scheduler.start()
    await run('task.late')
    expect(await seen()).toMatchObject({ code: 'MQ_HANDLER_TIMEOUT' })
  })
})
