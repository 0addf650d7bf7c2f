import { requireOptions, shown } from '../../contract/checks.js'
import { isMqError, MqError } from '../../contract/errors.js'
import type { EnqueueAllOptions, EnqueuedTask, EnqueueOptions, EnqueueOutcome } from '../task-scheduler.js'

/** So many at once: a long list must not fill the queue's outgoing buffer by itself. */
const atOnce = 500

/** Each input on its own, in the order given. Rejects only for arguments that are no list and no options. */
export async function enqueueAll(
  inputs: readonly unknown[],
  options: EnqueueAllOptions<never>,
  enqueue: (input: unknown, options: EnqueueOptions) => Promise<EnqueuedTask>,
): Promise<readonly EnqueueOutcome[]> {
  if (!Array.isArray(inputs)) throw new TypeError(`enqueueAll takes an array of inputs, not ${shown(inputs)}`)
  requireOptions(options, 'The options of enqueueAll')
  if ('reply' in options) throw new MqError('MQ_INVALID_OPTION', 'enqueueAll has no option reply; use enqueue')
  const { id, key, idempotencyKey, ...shared } = options
  const of = <Value>(given: Value | ((input: never, index: number) => Value), input: unknown, index: number): Value =>
    typeof given === 'function' ? (given as (input: unknown, index: number) => Value)(input, index) : given

  const one = async (input: unknown, index: number): Promise<EnqueueOutcome> => {
    try {
      const own = {
        ...(id !== undefined && { id: of(id, input, index) }),
        ...(key !== undefined && { key: of(key, input, index) }),
        ...(idempotencyKey !== undefined && { idempotencyKey: of(idempotencyKey, input, index) }),
      }
      return { status: 'stored', ...(await enqueue(input, { ...shared, ...own })) }
    } catch (error) {
      const status = isMqError(error, 'MQ_PUBLISH_UNKNOWN') ? 'unknown' : 'rejected'
      return { status, error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  const outcomes: EnqueueOutcome[] = []
  for (let begin = 0; begin < inputs.length; begin += atOnce) {
    const part = inputs.slice(begin, begin + atOnce)
    outcomes.push(...(await Promise.all(part.map((input, index) => one(input, begin + index)))))
  }
  return outcomes
}
