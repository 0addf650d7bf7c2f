import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createFolder, removeFolder } from '../run/folder.js'
import { releasePorts } from '../run/ports.js'
import type { ProcessId } from '../run/process.js'
import { within } from '../run/wait.js'
import { engineAnswers } from './engine.js'
import type { Machine, Place, Recipe } from './machine.js'

const label = 'mq-test-brokers.folder'
const home = '/mq'

/**
 * Starts a broker in a container of the Docker engine, with the same ports and files as a native one.
 *
 * The reaper of testcontainers is off, because it ends containers with the process that started them, and a shared server
 * outlives that process. A folder on this machine represents the container, so that the next run finds it.
 */
export async function dockerMachine(recipe: Recipe, owner: ProcessId): Promise<Machine> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers')
  const client = await getContainerRuntimeClient()
  const engineHost = client.info.containerRuntime.host
  const host = engineHost === 'localhost' ? '127.0.0.1' : engineHost
  const folder = await createFolder(recipe.kind, owner)
  const place: Place = { source: 'docker', host, bind: '0.0.0.0', folder: home }

  class LoopbackContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      if (host !== '127.0.0.1') return
      for (const bindings of Object.values(this.hostConfig.PortBindings ?? {})) {
        for (const binding of Array.isArray(bindings) ? bindings : []) binding.HostIp = host
      }
    }
  }

  let id: string | undefined
  let isRemoved = false
  const container = () => {
    if (id === undefined) throw new Error(`The ${recipe.kind} container has not been started`)
    return client.container.getById(id)
  }
  const isRunning = async (): Promise<boolean> => id !== undefined && (await container().inspect()).State.Running

  return {
    place,
    isRunning,
    async start() {
      if (id !== undefined) {
        await container().start()
        return
      }
      writeFileSync(join(folder, 'container'), '')
      const files = Object.entries(recipe.files(place))
      const started = await new LoopbackContainer(recipe.image)
        .withLabels({ [label]: basename(folder) })
        .withAutoCleanup(false)
        .withUser('root')
        .withWorkingDir(home)
        .withEntrypoint(['/bin/sh', `${home}/boot.sh`])
        .withCommand([])
        .withCopyContentToContainer(
          files.map(([name, content]) => ({ content, target: `${home}/${name}`, mode: 0o600 })),
        )
        .withExposedPorts(...recipe.published.map((port) => ({ container: port, host: port })))
        .withWaitStrategy(Wait.forListeningPorts())
        .withStartupTimeout(120_000)
        .start()
      id = started.getId()
    },
    async kill() {
      if (!(await isRunning())) return
      await container().kill({ signal: 'SIGKILL' })
      await within(container().wait(), { what: `the ${recipe.kind} container to end`, timeoutMs: 10_000 })
    },
    terminate: async () => await container().stop({ t: 30 }),
    pause: async () => await container().pause(),
    resume: async () => await container().unpause(),
    async remove() {
      if (isRemoved) return
      isRemoved = true
      await removeContainers(folder)
      await removeFolder(folder)
      releasePorts(recipe.ports, owner)
    },
    async run(script, timeoutMs) {
      const running = client.container.exec(container(), ['/bin/sh', '-c', `cd ${home}; ${script}`])
      const { exitCode, output } = await within(running, { what: `\`${script}\` in the container`, timeoutMs })
      if (exitCode !== 0) throw new Error(`\`${script}\` ended with ${exitCode}: ${output}`)
      return output
    },
    async log() {
      if (id === undefined) return ''
      return (await container().logs({ stdout: true, stderr: true, tail: 40 })).toString('utf8')
    },
  }
}

/** Removes the containers that a folder represents. Returns false if no engine answers. */
export async function removeContainers(folder: string): Promise<boolean> {
  if (!(await engineAnswers())) return false
  const { getContainerRuntimeClient } = await import('testcontainers')
  const { dockerode } = (await getContainerRuntimeClient()).container
  const found = await dockerode.listContainers({ all: true, filters: { label: [`${label}=${basename(folder)}`] } })
  for (const { Id } of found) await dockerode.getContainer(Id).remove({ force: true, v: true })
  return true
}
