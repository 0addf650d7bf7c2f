import type { Sample } from '../broker/history.js'

/** The counts that the chart of a group shows, behind the time in seconds. Null stands for what is not known. */
export const pointOf = ({ at, ready, inFlight, retrying, dead }: Sample): readonly (number | null)[] => [
  at / 1_000,
  ...[ready, inFlight, retrying, dead].map((count) => count ?? null),
]

/** Writes the points so far for the chart, which a module of the browser draws. */
export const chartSamples = (samples: readonly Sample[]): string => JSON.stringify(samples.map(pointOf))
