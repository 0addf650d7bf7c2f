import { expect } from 'vitest'
import { isMqError, type MqError, type MqErrorCode } from '../../src/index.js'

/** The error that `work` ends with, whether it throws at once or rejects. */
export async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('It was expected to fail, and did not')
}

export async function mqErrorOf(work: () => unknown, code: MqErrorCode): Promise<MqError> {
  const error = await errorOf(work)
  if (!isMqError(error)) throw new Error(`Not an MqError with ${code}`, { cause: error })
  expect(error.code).toBe(code)
  return error
}

export async function typeErrorOf(work: () => unknown): Promise<TypeError> {
  const error = await errorOf(work)
  expect(error).toBeInstanceOf(TypeError)
  return error as TypeError
}
