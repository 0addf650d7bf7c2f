import { type PrometheusPrograms, prometheusPrograms } from '../install/prometheus.js'
import { self } from '../run/process.js'
import { quote } from '../run/quote.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'

export interface PrometheusOptions {
  /** The files of its folder by their names. `prometheus.yml` is the configuration, whose paths begin in that folder. */
  readonly files: Readonly<Record<string, string>>
  /** Further arguments of the program. Default: none. */
  readonly args?: readonly string[]
}

export interface PrometheusServer {
  readonly url: string
  /** Runs promtool in the folder of the files. Rejects with its output if it fails. */
  promtool(...args: readonly string[]): Promise<string>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

/** Starts a Prometheus as a process of this machine. It ends with `stop()` or with this process. */
export async function prometheus({ files, args = [] }: PrometheusOptions): Promise<PrometheusServer> {
  const programs = await prometheusPrograms()
  return await onFreePorts(1, self, async (ports) => {
    const port = portAt(ports, 0)
    const url = `http://127.0.0.1:${port}`
    const recipe = {
      kind: 'prometheus',
      image: 'prom/prometheus',
      ports,
      published: ports,
      files: () => ({ ...files, 'boot.sh': boot(programs, { port, args }) }),
    }
    const { machine, verbs } = await runRecipe(recipe, {
      source: 'native',
      owner: self,
      answers: async () => {
        const { status } = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(2_000) })
        if (status !== 200) throw new Error(`Prometheus answers with ${status}`)
      },
    })
    return {
      url,
      promtool: (...words) => machine.run([programs.promtool, ...words].map(quote).join(' '), 30_000),
      stop: verbs.stop,
    }
  })
}

function boot({ prometheus }: PrometheusPrograms, { port, args }: { port: number; args: readonly string[] }): string {
  const own = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`]
  return `exec ${[prometheus, ...own, ...args].map(quote).join(' ')}\n`
}
