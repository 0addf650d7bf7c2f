import { describe, expect, it } from 'vitest'
import { decodeFinished, encodeFinished, type FinishedTask, finishedError } from '../../src/tasks/finished-task.js'
import { mqErrorOf } from '../support/errors.js'

const error = { name: 'HttpError', message: 'answered 503', code: '503', attempts: 3 }

describe('an outcome', () => {
  it.each<FinishedTask>([
    { status: 'completed', id: '1', task: 'a', result: { deep: [null, 'ä'] } },
    { status: 'completed', id: '1', task: 'a', result: undefined },
    { status: 'failed', id: '1', task: 'a', failure: error },
    { status: 'cancelled', id: '1' },
  ])('is read as it was written: $status', (outcome) => {
    expect(decodeFinished(encodeFinished(outcome))).toEqual(outcome)
  })

  it('says where its result cannot be serialised', async () => {
    const encode = (result: unknown) => () => encodeFinished({ status: 'completed', id: '1', task: 'a', result })
    expect((await mqErrorOf(encode({ a: new Map() }), 'MQ_NOT_SERIALIZABLE')).message).toContain('result.a')
    await mqErrorOf(encode(10n), 'MQ_NOT_SERIALIZABLE')
    await mqErrorOf(encode(new Uint8Array(1)), 'MQ_NOT_SERIALIZABLE')
  })

  it.each([
    '',
    'x',
    '1',
    'null',
    '{}',
    '{"status":"done","id":"1"}',
    '{"status":"failed","id":"1","task":"a"}',
    undefined,
  ])('is none where the text is %j', (text) => {
    expect(decodeFinished(text)).toBeUndefined()
  })

  it('brings no class back, whatever the other side has written', () => {
    const text = JSON.stringify({
      status: 'failed',
      id: '1',
      task: 'a',
      failure: { ...error, stack: 'at secret.js', attempts: 'many', __proto__: { evil: true } },
    })
    const found = decodeFinished(text)
    expect(found).toEqual({ status: 'failed', id: '1', task: 'a', failure: { ...error, attempts: 0 } })
  })

  it('is for its asker the error of the task, in parts', () => {
    expect(finishedError({ status: 'completed', id: '1', task: 'a', result: 1 })).toBeUndefined()
    expect(finishedError({ status: 'cancelled', id: '1' })?.code).toBe('MQ_TASK_CANCELLED')
    const failed = finishedError({ status: 'failed', id: '1', task: 'a', failure: error })
    expect(failed).toMatchObject({ code: 'MQ_TASK_FAILED', failure: error })
    expect(failed?.message).toBe("The task 'a' failed after 3 attempts: answered 503")
  })
})
