import type { ProcessId } from '../run/process.js'
import { until } from '../run/wait.js'
import type { RestartOptions, Server } from '../server.js'
import { dockerMachine } from './docker.js'
import type { Machine, Recipe } from './machine.js'
import { nativeMachine } from './native.js'
import { endWithProcess } from './owned.js'

/** The time in which a broker has to answer. Kafka on a busy machine with two cores needs much of it. */
const startMs = 90_000

export interface Started {
  readonly machine: Machine
  readonly verbs: Pick<Server, 'kill' | 'restart' | 'pause' | 'resume' | 'stop'>
}

/**
 * Starts a recipe and waits until `answers` resolves. If the start fails, it cleans up and throws with the last output.
 */
export async function runRecipe(
  recipe: Recipe,
  options: { source: 'docker' | 'native'; owner: ProcessId; answers: (machine: Machine) => Promise<unknown> },
): Promise<Started> {
  const machine = await (options.source === 'docker' ? dockerMachine : nativeMachine)(recipe, options.owner)
  const forget = endWithProcess(machine, options.owner)
  let isPaused = false

  const start = async (): Promise<void> => {
    await machine.start()
    let ended = false
    const answered = async (): Promise<boolean> => {
      ended = !(await machine.isRunning())
      if (!ended) await options.answers(machine)
      return true
    }
    await until(answered, { what: `${recipe.kind} to answer`, timeoutMs: startMs }).catch(async (error: Error) => {
      throw new Error(`${error.message}. It printed:\n${await machine.log()}`, { cause: error.cause })
    })
    if (ended) throw new Error(`${recipe.kind} ended while it started. It printed:\n${await machine.log()}`)
  }

  const resume = async (): Promise<void> => {
    if (isPaused) await machine.resume()
    isPaused = false
  }

  const remove = async (): Promise<void> => {
    await resume()
    await machine.remove()
    forget()
  }

  await start().catch(async (error) => {
    await remove()
    throw error
  })
  return {
    machine,
    verbs: {
      async kill() {
        await machine.kill()
        isPaused = false
      },
      async restart({ graceful = false }: RestartOptions = {}) {
        await resume()
        if (graceful && (await machine.isRunning())) await machine.terminate()
        await machine.kill()
        await start()
      },
      async pause() {
        if (!(await machine.isRunning())) throw new Error(`${recipe.kind} does not run, so it cannot be paused`)
        await machine.pause()
        isPaused = true
      },
      resume,
      stop: remove,
    },
  }
}
