import { describe, expect, it } from 'vitest'
import { adapterState } from '../../src/adapter-kit/adapter-state.js'
import type { AdapterEvent } from '../../src/contract/adapter.js'
import { MqError } from '../../src/contract/errors.js'

const codeOf = (work: () => void): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as MqError).code
  }
}

describe('an adapter', () => {
  it('is new, then open, then closed for good', () => {
    const state = adapterState()
    expect(state.phase).toBe('new')
    expect(codeOf(state.requireOpen)).toBe('MQ_NOT_CONNECTED')
    expect(codeOf(state.refuseClosed)).toBeUndefined()
    state.markOpen()
    expect(state.phase).toBe('open')
    expect(codeOf(state.requireOpen)).toBeUndefined()
    state.markClosed()
    // A connect that ends after the disconnect.
    state.markOpen()
    expect(state.phase).toBe('closed')
    expect(codeOf(state.requireOpen)).toBe('MQ_CLOSED')
    expect(codeOf(state.refuseClosed)).toBe('MQ_CLOSED')
  })

  it('can be closed before it was open', () => {
    const state = adapterState()
    state.markClosed()
    expect(codeOf(state.requireOpen)).toBe('MQ_CLOSED')
  })

  it('reports to each listener until it is taken away', () => {
    const state = adapterState()
    const heard: string[] = []
    const remove = state.on(({ type }) => heard.push(`one ${type}`))
    state.on(({ type }) => heard.push(`two ${type}`))
    state.report({ type: 'state', state: 'connected' })
    remove()
    remove()
    state.report({ type: 'blocked', blocked: true })
    expect(heard).toEqual(['one state', 'two state', 'two blocked'])
  })

  it('remembers the latest error, whichever event carried it', () => {
    const state = adapterState()
    const [first, second, third] = ['a', 'b', 'c'].map((text) => new MqError('MQ_OPERATION_FAILED', text))
    const last = (event: AdapterEvent): MqError | undefined => {
      state.report(event)
      return state.lastError
    }
    expect(state.lastError).toBeUndefined()
    expect(last({ type: 'error', error: first as MqError })).toBe(first)
    expect(last({ type: 'state', state: 'reconnecting', error: second as MqError })).toBe(second)
    expect(last({ type: 'state', state: 'connected' })).toBe(second)
    state.noteError(third as MqError)
    expect(state.lastError).toBe(third)
  })
})
