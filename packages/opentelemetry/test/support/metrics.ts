import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { onTestFinished } from 'vitest'

/** The real SDK with its exporter for Prometheus, which serves its metrics over HTTP. */
export async function serveMetrics() {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({ readers: [exporter] })
  const server = createServer((req, res) => exporter.getMetricsRequestHandler(req, res)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    provider,
    address: `127.0.0.1:${port}`,
    async close(): Promise<void> {
      await provider.shutdown()
      server.close()
    },
  }
}

/** The same for one test, which scrapes it. */
export async function recordMetrics() {
  const { provider, address, close } = await serveMetrics()
  onTestFinished(close)
  return { provider, scrape: async () => samplesOf(await (await fetch(`http://${address}/metrics`)).text()) }
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads the text format of Prometheus. */
function samplesOf(text: string) {
  const samples = text.split('\n').flatMap((line): Sample[] => {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, content]) => [label, content])
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
  return {
    samples,
    text,
    /** The values of a metric whose labels are among others. */
    values: (name: string, labels: Sample['labels'] = {}): readonly number[] =>
      samples
        .filter((sample) => sample.name === name)
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .map(({ value }) => value),
  }
}
