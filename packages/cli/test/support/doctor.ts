import { mq } from './mq.js'

export interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly problem: string
  readonly advice: string
  readonly docs?: string
}

interface Examined {
  readonly exitCode: number | null
  readonly server: string | null
  readonly findings: readonly Finding[]
  readonly codes: readonly string[]
  /** Returns a finding. Throws if there is none of that code. */
  finding(code: string): Finding
}

/** Runs `mq doctor --json`. */
export async function examine(
  url: string,
  options: { env?: Record<string, string>; node?: readonly string[] } = {},
): Promise<Examined> {
  const { code: exitCode, stdout, stderr } = await mq(['doctor', '--json'], { url, ...options })
  if (stdout === '') throw new Error(`mq doctor printed nothing: ${stderr}`)
  const { server, findings } = JSON.parse(stdout) as { server: string | null; findings: readonly Finding[] }
  return {
    exitCode,
    server,
    findings,
    codes: findings.map(({ code }) => code),
    finding(code) {
      const found = findings.find((one) => one.code === code)
      if (found === undefined) throw new Error(`${code} is not among ${JSON.stringify(findings)}`)
      return found
    },
  }
}

/** Options of Node with which a process has a clock that is an hour ahead. */
export const anHourAhead = [
  '--import',
  `data:text/javascript,${encodeURIComponent('const now = Date.now; Date.now = () => now() + 3_600_000')}`,
]
