import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { describe, expect, it } from 'vitest'
import { attributes, metricNames } from '../src/names.js'

const known: readonly unknown[] = Object.values(conventions)
const isOwn = (name: string): boolean => name.startsWith('mq.')

describe('a name', () => {
  it.each([...Object.values(attributes), ...Object.values(metricNames)].filter((name) => !isOwn(name)))(
    '%s is one of the semantic conventions',
    (name) => {
      expect(known).toContain(name)
    },
  )

  it('of our own is none of the conventions, which would mean something else by it', () => {
    const own = [...Object.values(attributes), ...Object.values(metricNames)].filter(isOwn)
    expect(own.filter((name) => known.includes(name))).toEqual([])
  })

  it('of an operation and of a system is a value that the conventions know', () => {
    const { MESSAGING_OPERATION_TYPE_VALUE_SEND, MESSAGING_OPERATION_TYPE_VALUE_CREATE } = conventions
    const { MESSAGING_OPERATION_TYPE_VALUE_PROCESS, MESSAGING_SYSTEM_VALUE_KAFKA } = conventions
    expect([
      MESSAGING_OPERATION_TYPE_VALUE_SEND,
      MESSAGING_OPERATION_TYPE_VALUE_CREATE,
      MESSAGING_OPERATION_TYPE_VALUE_PROCESS,
      MESSAGING_SYSTEM_VALUE_KAFKA,
      conventions.MESSAGING_SYSTEM_VALUE_RABBITMQ,
    ]).toEqual(['send', 'create', 'process', 'kafka', 'rabbitmq'])
  })
})
