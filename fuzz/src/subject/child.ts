// The application under attack, in a process of its own: what hangs, grows or dies there leaves the fuzzer whole.
import { onMessage, report } from '@mq/test-brokers'
import { adapterOf } from './adapters.js'
import type { SubjectSetup } from './setup.js'
import { createSubject, type Subject } from './subject.js'

export interface Call {
  readonly number: number
  readonly method: keyof Subject
  readonly args: readonly unknown[]
}

export interface Answer {
  readonly number: number
  readonly value?: unknown
  readonly error?: string
}

const setup = JSON.parse(process.argv[2] ?? '{}') as SubjectSetup
const subject = await createSubject(adapterOf(setup), setup.secrets)

onMessage((message) => {
  const { number, method, args } = message as Call
  const call = subject[method] as (...given: readonly unknown[]) => Promise<unknown>
  call(...args).then(
    (value) => report({ number, value } satisfies Answer),
    (error: unknown) =>
      report({ number, error: error instanceof Error ? error.message : String(error) } satisfies Answer),
  )
})
await report({ number: 0 } satisfies Answer)
