// Runs cases of the suite on an adapter with a fault, in a process of its own: a fault may block the process or end it.
import { type FaultName, type Faults, type JsonObject, runConformance, type Subject } from '@mq/core/conformance'
import { onMessage, report } from '../report.js'
import { type Answer, type Call, decode, encode, type Program, type Report } from './wire.js'

const send = (value: Report): Promise<void> => report(value)

/** A broker as `take` of the stage returns it. */
interface Taken {
  readonly options?: JsonObject
  readonly broker?: string
  readonly given: Readonly<Record<string, { readonly value?: unknown; readonly error?: string }>>
  readonly faults: unknown
}

const waiting = new Map<number, (answer: Answer) => void>()
let calls = 0

async function call(target: number, name: string, args: unknown[]): Promise<unknown> {
  const number = calls++
  const answered = new Promise<Answer>((resolve) => waiting.set(number, resolve))
  await send({ type: 'call', number, target, name, args: args.map((arg) => encode(arg, noObjects)) } satisfies Call)
  const { value, error } = await answered
  waiting.delete(number)
  if (error !== undefined) throw new Error(error)
  return decode(value, call)
}

function noObjects(): never {
  throw new TypeError('A fault takes no functions')
}

type Remote = Record<string, (...args: unknown[]) => unknown>
interface Started {
  readonly options: JsonObject
  readonly broker?: string
  readonly remote: Remote
  readonly given: Taken['given']
}

async function start(): Promise<Started> {
  const { options = {}, broker, given, faults } = (await call(0, 'take', [])) as Taken
  return { options, given, remote: decode(faults, call) as Remote, ...(broker !== undefined && { broker }) }
}

/** Returns faults with the same names, which are carried out where the broker is. */
function remoteFaults(names: readonly string[]): Faults<Started> {
  const faults = names.map((name) => {
    const fault = ({ given, remote }: Started, ...args: unknown[]): unknown => {
      const known = given[name]
      if (known?.error !== undefined) throw new Error(known.error)
      return known === undefined ? remote[name]?.(...args) : known.value
    }
    return [name as FaultName, fault]
  })
  return Object.fromEntries(faults)
}

async function run({ adapter, subject: url, only, brokers }: Program): Promise<void> {
  const { subject } = (await import(url)) as { readonly subject: Subject }
  const names = Object.keys(subject.faults ?? {})
  const { stop: _, ...rest } = subject
  await runConformance<Started>(
    { ...rest, adapter, start, faults: remoteFaults(names) },
    {
      ...(only !== undefined && { only }),
      brokers,
      onResult: ({ id, status, reason = '', durationMs }) =>
        void send({ type: 'result', id, status, reason, ms: durationMs }),
    },
  )
}

onMessage((message) => {
  const { type } = message as Answer | { readonly type: 'run'; readonly program: Program }
  if (type === 'answer') return waiting.get((message as Answer).number)?.(message as Answer)
  run((message as { readonly program: Program }).program)
    .then(() => send({ type: 'end' }))
    .catch((error: Error) => send({ type: 'end', error: error.stack ?? String(error) }))
})
