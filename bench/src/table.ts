import Table from 'cli-table3'
import type { Figures } from './measure.js'
import type { Round } from './rounds.js'

const columns = [
  { name: 'publish/s', of: (figures: Figures) => figures.publishPerSecond, digits: 0 },
  { name: 'drain/s', of: (figures: Figures) => figures.drainPerSecond, digits: 0 },
  { name: 'p50 ms', of: (figures: Figures) => figures.latencyP50Ms ?? Number.NaN, digits: 1 },
  { name: 'p99 ms', of: (figures: Figures) => figures.latencyP99Ms ?? Number.NaN, digits: 1 },
  { name: 'peak RSS MiB', of: (figures: Figures) => figures.peakRssMiB, digits: 0 },
  { name: 'broker bytes', of: (figures: Figures) => figures.brokerBytes ?? Number.NaN, digits: 0 },
] as const

/**
 * Returns a row for each contender: the median over the rounds, and in brackets the median of the ratios ours / theirs. Each ratio
 * is taken within one round.
 */
export function rows(
  names: Readonly<Record<string, string>>,
  rounds: readonly Round[],
): readonly (readonly string[])[] {
  const of = (system: string): readonly Figures[] =>
    rounds.filter((round) => round.system === system).map(({ figures }) => figures)
  const ours = of('ours')
  return Object.entries(names).map(([system, name]) => {
    const theirs = of(system)
    const cells = columns.map((column) => {
      if (theirs.some((figures) => Number.isNaN(column.of(figures)))) return '-'
      const median = medianOf(theirs.map(column.of)).toLocaleString('en', { maximumFractionDigits: column.digits })
      if (system === 'ours') return median
      const ratios = theirs.map((figures, index) => column.of(ours[index] as Figures) / column.of(figures))
      return `${median} (ours ${medianOf(ratios).toFixed(2)} x)`
    })
    return [name, ...cells]
  })
}

export const head = ['system', ...columns.map(({ name }) => name)]

export function textTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [] } })
  for (const row of body) table.push([...row])
  return table.toString()
}

export const markdownTable = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...body]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
