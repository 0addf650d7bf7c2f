import { printIdentity } from '../run/process.js'
import { until } from '../run/wait.js'
import type { Machine } from './machine.js'

/** A process beside the machine's own one: it dies and starts by itself, and ends with the machine. */
export interface Beside {
  /** Ends it with SIGKILL; resolves once it does not answer any more. */
  kill(): Promise<void>
  /** Starts it on the same port and data. Does not wait until it answers. */
  start(): Promise<void>
  /** Stops it with SIGSTOP: connections stay open, and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** To be the file `record.sh` of a machine that has such processes: each writes itself down, so that it is found. */
export const recordScript = `${printIdentity} >"$1" && shift && exec "$@"\n`

/** A line of a shell that starts what the file `<name>.sh` becomes. */
export const startBeside = (name: string): string =>
  `/bin/sh ./record.sh ${name}.pid /bin/sh ./${name}.sh </dev/null >>output.log 2>&1 &`

export function beside(machine: Machine, name: string, answers: () => Promise<unknown>): Beside {
  const signal = async (which: string): Promise<void> =>
    void (await machine.run(`kill -${which} $(cut -d' ' -f1 ${name}.pid)`, 10_000))
  const isGone = (): Promise<boolean> =>
    answers().then(
      () => false,
      () => true,
    )
  return {
    async kill() {
      await signal('KILL')
      await until(isGone, { what: `${name} to be gone` })
    },
    start: async () => void (await machine.run(startBeside(name), 10_000)),
    pause: () => signal('STOP'),
    resume: () => signal('CONT'),
  }
}
