import { MqError } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'

/** The channels of a connection: those that are kept for long, and those of short errands. */
interface Budget {
  readonly max: number
  readonly maxErrands: number
  readonly waiting: (() => void)[]
  kept: number
  errands: number
}

const budgets = new WeakMap<ChannelModel, Budget>()

/** No adapter has more errands at a time, however many channels the broker allows. */
const errandLimit = 8
/** The share of the channels that is left for errands. */
const errandShare = 1 / 8
/** The broker counts a channel for a moment after it has closed. */
const closingChannels = 2

function budgetOf(connection: ChannelModel): Budget {
  const known = budgets.get(connection)
  if (known !== undefined) return known
  const { channelMax } = connection.connection as unknown as { readonly channelMax?: unknown }
  const max = typeof channelMax === 'number' && channelMax > 0 ? channelMax : Number.POSITIVE_INFINITY
  const maxErrands = Math.min(errandLimit, Math.max(1, Math.floor(max * errandShare)))
  const budget = { max, maxErrands, waiting: [], kept: 0, errands: 0 }
  budgets.set(connection, budget)
  return budget
}

/**
 * Takes channels out of those that the two sides have agreed on, before they are opened. The broker would close the whole connection
 * over one too many. Returns the function that gives them back. Throws `MQ_NOT_SUPPORTED` if too few are left.
 */
export function keepChannels(connection: ChannelModel, count: number, what: string): () => void {
  const budget = budgetOf(connection)
  const maxKept = Math.max(1, budget.max - budget.maxErrands - closingChannels)
  if (budget.kept + count > maxKept) {
    const limit = `a connection to this broker has ${budget.max} channels (channel_max)`
    throw new MqError('MQ_NOT_SUPPORTED', `${what} is one too many: ${limit}, and ${budget.kept} are kept open already`)
  }
  budget.kept += count
  return () => {
    budget.kept -= count
  }
}

/** Does short work that opens a channel, once there is one for it. */
export async function asErrand<T>(connection: ChannelModel, work: () => Promise<T>): Promise<T> {
  const budget = budgetOf(connection)
  if (budget.errands < budget.maxErrands) budget.errands += 1
  else await new Promise<void>((resolve) => budget.waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = budget.waiting.shift()
    if (next === undefined) budget.errands -= 1
    else next()
  }
}
