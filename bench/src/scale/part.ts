import type { StartedBroker } from '../brokers.js'
import type { Broker } from '../contenders.js'
import type { Picture } from './picture.js'
import type { Sizes } from './sizes.js'

/** The surroundings of a part: the broker, its sizes, and where it runs. */
export interface Setting {
  readonly broker: Broker
  readonly sizes: Sizes
  /** Starts a broker that belongs to the measurement alone. `isAsShipped` gives it the settings that it has by default. */
  readonly start: (isAsShipped: boolean) => Promise<StartedBroker>
  /** The environment of processes that the part starts: `builtPackages`, or that of the sources. */
  readonly env: Readonly<Record<string, string>>
  readonly print: (line: string) => void
}

/** The table of a part, and its pictures. */
export interface Sheet {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly pictures: readonly Picture[]
}

export interface Part {
  readonly name: string
  /** Says that several processes take part, so that the embedded broker cannot. */
  readonly needsServer: boolean
  measure(setting: Setting): Promise<Sheet>
}

/** Formats a figure, and shows one that could not be measured as a dash. */
export const shown = (value: number | undefined, digits = 0): string =>
  value === undefined || Number.isNaN(value)
    ? '-'
    : value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })

/** Starts a broker, lets the work use it, and stops it. */
export async function withBroker<T>(
  { start }: Setting,
  use: (broker: StartedBroker) => Promise<T>,
  isAsShipped = false,
): Promise<T> {
  const broker = await start(isAsShipped)
  try {
    return await use(broker)
  } finally {
    await broker.stop()
  }
}
