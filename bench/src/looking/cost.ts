import type { Redis } from 'ioredis'

export interface Cost {
  readonly result: string
  /** How many commands were sent. Those that scripts called are part of theirs. */
  readonly commands: number
  /** How long the broker worked on all of them. */
  readonly brokerMs: number
  /** How long it worked on one, in the middle of all and at most. Nothing else runs there meanwhile. */
  readonly medianMs: number
  readonly longestMs: number
  readonly clientMs: number
}

/** Measures a call by the slow log, which is told to note every command. */
export async function costOf(admin: Redis, call: () => Promise<string>): Promise<Cost> {
  await admin.config('SET', 'slowlog-max-len', 1_000_000)
  await admin.config('SET', 'slowlog-log-slower-than', 0)
  await admin.slowlog('RESET')
  const startedAt = performance.now()
  const result = await call()
  const clientMs = performance.now() - startedAt
  await admin.config('SET', 'slowlog-log-slower-than', -1)
  const entries = (await admin.slowlog('GET', -1)) as readonly (readonly [number, number, number, readonly string[]])[]
  const own = entries.filter(([, , , [command = '']]) => !/^(config|slowlog|client|ping)$/i.test(command))
  // The log has what scripts called, too. A call that runs scripts sends nothing else.
  const scripts = own.filter(([, , , [command = '']]) => /^eval/i.test(command))
  const sent = scripts.length > 0 ? scripts : own
  const micros = sent.map(([, , took]) => took).sort((a, b) => a - b)
  return {
    result,
    commands: sent.length,
    medianMs: (micros[Math.floor(micros.length / 2)] ?? 0) / 1_000,
    brokerMs: micros.reduce((sum, took) => sum + took, 0) / 1_000,
    longestMs: Math.max(0, ...micros) / 1_000,
    clientMs,
  }
}
