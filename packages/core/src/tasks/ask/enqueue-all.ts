import { refuseUnknown, requireOptions } from '../../contract/checks/options.js'
import { shown } from '../../contract/checks/shown.js'
import { isMqError, MqError } from '../../contract/errors.js'
import {
  type EnqueueAllOptions,
  type EnqueuedTask,
  type EnqueueOptions,
  type EnqueueOutcome,
  enqueueAllOptionNames,
} from '../task-options.js'

/** How many tasks are enqueued at a time. A long list must not fill the queue's outgoing buffer by itself. */
const batchSize = 500

/** Enqueues each input on its own, in the order given. Rejects only if the arguments are not a list and its options. */
export async function enqueueAll(
  inputs: readonly unknown[],
  options: EnqueueAllOptions<never>,
  enqueue: (input: unknown, options: EnqueueOptions) => Promise<EnqueuedTask>,
): Promise<readonly EnqueueOutcome[]> {
  if (!Array.isArray(inputs)) throw new TypeError(`enqueueAll takes an array of inputs, not ${shown(inputs)}`)
  requireOptions(options, 'The options of enqueueAll')
  if ('reply' in options) throw new MqError('MQ_INVALID_OPTION', 'enqueueAll has no option reply; use enqueue')
  refuseUnknown(options, enqueueAllOptionNames, 'enqueueAll')
  const { id, key, idempotencyKey, ...shared } = options
  const valueFor = <Value>(
    given: Value | ((input: never, index: number) => Value),
    input: unknown,
    index: number,
  ): Value => (typeof given === 'function' ? (given as (input: unknown, index: number) => Value)(input, index) : given)

  const one = async (input: unknown, index: number): Promise<EnqueueOutcome> => {
    try {
      const own = {
        ...(id !== undefined && { id: valueFor(id, input, index) }),
        ...(key !== undefined && { key: valueFor(key, input, index) }),
        ...(idempotencyKey !== undefined && { idempotencyKey: valueFor(idempotencyKey, input, index) }),
      }
      return { status: 'stored', ...(await enqueue(input, { ...shared, ...own })) }
    } catch (error) {
      const status = isMqError(error, 'MQ_PUBLISH_UNKNOWN') ? 'unknown' : 'rejected'
      return { status, error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  const outcomes: EnqueueOutcome[] = []
  for (let begin = 0; begin < inputs.length; begin += batchSize) {
    const part = inputs.slice(begin, begin + batchSize)
    outcomes.push(...(await Promise.all(part.map((input, index) => one(input, begin + index)))))
  }
  return outcomes
}
