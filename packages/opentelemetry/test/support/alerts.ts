import { type PrometheusServer, prometheus } from '@mq/test-brokers'
import { hastened } from './hastened.js'
import { rulesText } from './shown.js'

/** How many times as fast as in operation the rules are evaluated here. An hour becomes 24 s, and five minutes 2 s. */
const haste = 150

/** What a test says of an alert: its name and, if it has them, the topic and the system that it is about. */
export type Seen = `${string} ${string}`

export interface Result {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

interface Alert {
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const seenOf = ({ alertname, messaging_destination_name, messaging_system }: Readonly<Record<string, string>>): Seen =>
  `${alertname} ${messaging_destination_name ?? messaging_system}`

/** Starts a real Prometheus that scrapes the addresses and evaluates the rules that we ship. */
export async function watchedBy(addresses: readonly string[]) {
  const config = {
    global: { scrape_interval: '400ms', scrape_timeout: '400ms', evaluation_interval: '200ms' },
    rule_files: ['hastened.yaml'],
    scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: addresses }] }],
  }
  const server: PrometheusServer = await prometheus({
    files: {
      'prometheus.yml': JSON.stringify(config),
      'hastened.yaml': hastened(rulesText, haste),
      'shipped.yaml': rulesText,
    },
    args: ['--query.lookback-delta=2s'],
  })

  async function ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const url = `${server.url}/api/v1/${path}?${new URLSearchParams(parameters)}`
    const answer = (await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).json()) as {
      data: T
      error?: string
    }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.data
  }
  const query = async (text: string): Promise<readonly Result[]> =>
    (await ask<{ result: readonly Result[] }>('query', { query: text })).result

  async function alertsThatAre(wanted: 'pending' | 'firing') {
    const { alerts } = await ask<{ alerts: readonly Alert[] }>('alerts')
    return alerts
      .filter(({ state }) => state === wanted)
      .map(({ labels, annotations }) => ({ seen: seenOf(labels), summary: annotations.summary }))
      .sort((a, b) => (a.seen < b.seen ? -1 : 1))
  }

  return {
    promtool: server.promtool,
    stop: server.stop,
    query,
    /** The alerts that fire now, as Prometheus would send them to an Alertmanager. */
    firing: () => alertsThatAre('firing'),
    /** The alerts whose trouble has not lasted for long enough. */
    pending: async (): Promise<readonly Seen[]> => (await alertsThatAre('pending')).map(({ seen }) => seen),
    /** The alerts that have fired since the start, if only for a moment. */
    everFired: async (): Promise<readonly Seen[]> =>
      [
        ...new Set((await query('max_over_time(ALERTS{alertstate="firing"}[1h])')).map(({ metric }) => seenOf(metric))),
      ].sort(),
    /** What a graph of the last two minutes shows. */
    async seriesOf(text: string): Promise<readonly unknown[]> {
      const end = Date.now() / 1_000
      const range = { start: String(end - 120), end: String(end), step: '1' }
      return (await ask<{ result: readonly unknown[] }>('query_range', { query: text, ...range })).result
    },
    /** The targets that do not answer. */
    async silentTargets(): Promise<readonly string[]> {
      const { activeTargets } = await ask<{ activeTargets: readonly { health: string; lastError: string }[] }>(
        'targets',
      )
      return activeTargets.flatMap(({ health, lastError }) => (health === 'up' ? [] : [`${health} ${lastError}`]))
    },
  }
}
