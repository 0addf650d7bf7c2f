import { run, tell } from '../../scripts/lib/run.mjs'

export interface Place {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** Limits commands that hang. Default: 120,000. */
  readonly timeoutMs?: number
}

/** Runs a program and resolves to its standard output. If it fails, rejects with its whole output. */
export async function command([program = '', ...args]: readonly string[], place: Place): Promise<string> {
  const { cwd, env = environment(), timeoutMs = 120_000 } = place
  const result: { code: number; output: string; stdout: string; problem: string | undefined } = await run(
    program,
    args,
    {
      cwd,
      env,
      timeoutMs,
    },
  )
  if (result.code === 0) return result.stdout
  throw new Error(`${[program, ...args].join(' ')}\nin ${cwd} ended with ${result.code}:\n${tell(result)}`)
}

/** Returns the environment of a user who has settings for npm, but whose command was not started by npm, pnpm or vitest. */
export function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), ...quiet }
}

const ours =
  /^(VITEST.*|TEST|VITE_.*|NODE_(ENV|OPTIONS|PATH|TEST_CONTEXT)|INIT_CWD|npm_(command|execpath|lifecycle_.*|package_.*)|npm_config_(user_agent|local_prefix|loglevel|verify_deps_before_run))$/i

const quiet = {
  NO_COLOR: '1',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
}
