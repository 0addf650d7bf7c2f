/** The sizes of all parts, as `pnpm bench:scale` uses them if no option changes them. Durations are in seconds. */
export const defaultSizes = {
  subscriptions: [1, 10, 50, 200] as readonly number[],
  groups: [10, 200] as readonly number[],
  spread: [] as readonly number[],
  'spread-topics': 50,
  settle: 5,
  window: 10,
  deliveries: 5_000,
  trials: 3,
  'in-hand': 10,
  patience: 90,
  stall: 60,
  freeze: 4,
  watch: 15,
  'per-second': 100,
  step: 5,
  rounds: 5,
  messages: 20_000,
  bytes: 200,
  bodies: [1_024, 65_536, 900_000] as readonly number[],
  'in-flight': [1, 10, 1_000] as readonly number[],
  backlog: [1_000, 10_000, 100_000, 1_000_000] as readonly number[],
}

export type Sizes = Readonly<typeof defaultSizes>

/** The meaning of each size, for the help of the command. */
export const meanings: Readonly<Record<keyof Sizes, string>> = {
  subscriptions: 'idle: subscriptions of one process, each to a topic of its own',
  groups: 'idle: groups of one topic, all in one process',
  spread: 'idle: subscriptions over a few topics, as groups of each (Kafka: 200)',
  'spread-topics': 'idle: how many topics that are',
  settle: 'idle: seconds between the last subscription and the measurement',
  window: 'idle: seconds of the measurement',
  deliveries: 'idle: messages that are handled to measure the cost of one',
  trials: 'takeover: how many consumers are killed',
  'in-hand': 'takeover, freeze: messages in the hands of a consumer',
  patience: 'takeover, deploy: seconds that a message may wait',
  stall: 'stall: seconds for which a handler holds the event loop',
  freeze: 'freeze: seconds for which the server stands still',
  watch: 'stall, freeze: seconds of watching afterwards',
  'per-second': 'deploy: messages published in a second',
  step: 'deploy: seconds between two replacements',
  rounds: 'throughput, bodies, in-flight, backlog: rounds, of which the tables show the medians',
  messages: 'throughput, bodies, in-flight: messages of each measurement',
  bytes: 'throughput, in-flight, backlog: bytes of each body',
  bodies: 'bodies: their sizes in bytes',
  'in-flight': 'in-flight: publishes that wait for an answer, and handlers that run',
  backlog: 'backlog: messages that wait',
}

/** Reads sizes from the options of a command line. Throws with the name of one that is no number, or no list of numbers. */
export function sizesFrom(given: Readonly<Record<string, unknown>>, base: Sizes = defaultSizes): Sizes {
  const read = Object.entries(base).map(([name, size]) => {
    const text = given[name]
    if (typeof text !== 'string') return [name, size]
    const numbers = text.split(',').map(Number)
    const isList = Array.isArray(size)
    if (numbers.some((number) => !(number > 0)) || (!isList && numbers.length !== 1)) {
      throw new TypeError(`--${name} must be ${isList ? 'a list of numbers' : 'a number'} above 0, not ${text}`)
    }
    return [name, isList ? numbers : numbers[0]]
  })
  return Object.fromEntries(read) as Sizes
}
