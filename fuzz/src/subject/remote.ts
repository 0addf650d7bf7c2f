import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, child } from '@mq/test-brokers'
import type { Answer, Call } from './child.js'
import type { SubjectSetup } from './setup.js'
import type { Subject } from './subject.js'

/** The subject's process is gone, or gives no answer. */
export class SubjectLost extends Error {
  override readonly name = 'SubjectLost'
}

export interface RemoteSubject extends Subject {
  /** Its peak, as the operating system tells it. */
  readonly pid: number
  kill(): Promise<void>
}

/** Longer than the longest call of a subject that is well. */
const answerMs = 40_000
const pollMs = 4

/** A subject in a process of its own. */
export async function remoteSubject(setup: SubjectSetup): Promise<RemoteSubject> {
  const process_: Child<Answer> = await child<Answer>(new URL('./child.ts', import.meta.url), {
    args: [JSON.stringify(setup)],
  })
  let numbers = 0
  let read = 0
  let exit: string | undefined
  const answers = new Map<number, Answer>()
  void process_.exited.then(({ code, signal }) => {
    exit = `it ended with ${signal ?? `code ${code}`}. It printed:\n${process_.output().slice(-2_000)}`
  })

  function collect(): void {
    const all = process_.reported()
    for (; read < all.length; read++) {
      const answer = all[read]
      if (answer !== undefined) answers.set(answer.number, answer)
    }
  }

  async function answerTo(number: number, what: string): Promise<unknown> {
    for (const until = Date.now() + answerMs; ; await sleep(pollMs)) {
      collect()
      const answer = answers.get(number)
      if (answer !== undefined) {
        answers.delete(number)
        if (answer.error !== undefined) throw new Error(answer.error)
        return answer.value
      }
      if (exit !== undefined) throw new SubjectLost(`The process under attack is gone (${what}): ${exit}`)
      if (Date.now() > until)
        throw new SubjectLost(`The process under attack gave no answer in ${answerMs} ms (${what})`)
    }
  }

  async function call(method: keyof Subject, ...args: readonly unknown[]): Promise<unknown> {
    numbers += 1
    const number = numbers
    process_.send({ number, method, args } satisfies Call)
    return await answerTo(number, method)
  }

  await answerTo(0, 'starting')
  const methods = ['open', 'publish', 'ask', 'look', 'letters', 'replay', 'purge'] as const
  const calls = Object.fromEntries(
    methods.map((method) => [method, (...args: readonly unknown[]) => call(method, ...args)]),
  ) as unknown as Omit<Subject, 'end'>
  const kill = async (): Promise<void> => {
    await process_.kill()
  }
  return { ...calls, pid: process_.pid, kill, end: kill }
}
