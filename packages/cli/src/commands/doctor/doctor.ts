import { type Adapter, createQueue, type Diagnosis, type Finding, isMqError, loadAdapter } from '@mq/core'
import { withoutSecrets } from '@mq/core/adapter'
import type { Command } from 'commander'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { safeText } from '../../output/escape.js'
import { plural } from '../../output/show.js'
import { type Session, silent } from '../../session.js'
import type { Register } from '../register.js'
import { connectFinding } from './connecting.js'

export const doctor: Register = (program, run) => {
  program
    .command('doctor')
    .description(
      'look for what is wrong with the broker: connection, versions, rights, settings that lose messages, clocks',
    )
    .option('--strict', 'fail if there is a warning, too')
    .addHelpText('after', examples)
    .action(
      run(async (session, command: Command) => {
        const { strict = false } = command.opts<{ strict?: boolean }>()
        const diagnosis = await diagnose(session)
        await (session.options.json ? session.screen.json(diagnosis) : show(session, diagnosis))
        const bad = diagnosis.findings.filter(
          ({ severity }) => severity === 'error' || (strict && severity === 'warning'),
        )
        if (bad.length > 0) throw new CommandFailure(exitCode.failed, `${plural(bad.length, 'problem')} found`)
      }),
    )
}

const examples = `
It ends with 1 if something is found that loses messages or does not work. What it makes at the broker to find out, it removes.
RabbitMQ reports policies and replicas by its management API alone: MQ_MANAGEMENT_URL=http://localhost:15672.

Examples:
  mq doctor
  mq doctor --strict
  mq doctor --json | jq -r '.findings[].code'`

interface Found {
  /** Undefined if there is no connection. */
  readonly server: string | null
  readonly findings: readonly Finding[]
}

async function diagnose(session: Session): Promise<Found> {
  const adapter = await loadAdapter(session.address(), { adapters: session.adapters })
  const queue = createQueue(adapter, { log: silent })
  // Without listeners they would be logged. The diagnosis finds the same.
  queue.on('error', () => {})
  try {
    try {
      await queue.connect()
    } catch (error) {
      if (!isMqError(error)) throw error
      return { server: null, findings: [connectFinding(error)] }
    }
    return await diagnosisOf(adapter)
  } finally {
    await queue.disconnect({ timeoutMs: 1_000 })
  }
}

async function diagnosisOf(adapter: Adapter): Promise<Diagnosis> {
  const found = await adapter.diagnose?.()
  if (found !== undefined) return found
  const problem = `The adapter for ${adapter.name} has nothing to say about its broker.`
  const advice = 'Update it, or look at the broker itself.'
  return { server: adapter.name, findings: [{ code: 'doctor.not-supported', severity: 'info', problem, advice }] }
}

const order: readonly Finding['severity'][] = ['error', 'warning', 'info']

async function show({ screen }: Session, { server, findings }: Found): Promise<void> {
  const clean = (text: string): string => safeText(withoutSecrets(text))
  const sorted = [...findings].sort((left, right) => order.indexOf(left.severity) - order.indexOf(right.severity))
  const blocks = sorted.map(({ severity, code, problem, advice, docs }) =>
    [
      `${screen.bold(severity)}  ${safeText(code)}`,
      `  ${clean(problem)}`,
      `  ${clean(advice)}`,
      ...(docs === undefined ? [] : [`  ${safeText(docs)}`]),
    ].join('\n'),
  )
  const first = server === null ? 'not connected' : `connected to ${safeText(server)}`
  const counts = order.map((severity) =>
    plural(
      findings.filter((one) => one.severity === severity).length,
      severity,
      severity === 'info' ? 'infos' : `${severity}s`,
    ),
  )
  await screen.line([first, ...blocks, counts.join(', ')].join('\n\n'))
}
