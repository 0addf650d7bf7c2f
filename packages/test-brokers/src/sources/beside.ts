import { printIdentity } from '../run/process.js'
import { until } from '../run/wait.js'
import type { Machine } from './machine.js'

/** A process beside the machine's own one. It can be killed and started separately, and ends with the machine. */
export interface Beside {
  /** Ends the process with SIGKILL. Resolves once it no longer answers. */
  kill(): Promise<void>
  /** Starts the process on the same port and data. Does not wait until it answers. */
  start(): Promise<void>
  /** Pauses the process with SIGSTOP: connections stay open, and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** The file `record.sh` of a machine with such processes. Each records its id, so that a sweep finds it. */
export const recordScript = `${printIdentity} >"$1" && shift && exec "$@"\n`

/** Returns a shell line that starts the file `<name>.sh`. */
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
