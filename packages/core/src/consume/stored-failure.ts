import type { Settlement } from '../contract/adapter.js'
import { maxDeadStackLength, tidied } from '../contract/checks/stacks.js'
import { withoutStack } from '../contract/failure.js'

/** Returns the settlement for the adapter. Only a dead letter keeps a stack, and less of it than the listeners got. */
export function storable(settlement: Settlement, storeStacks: boolean): Settlement {
  if (settlement.kind !== 'retry' && settlement.kind !== 'dead') return settlement
  const { failure } = settlement
  const { stack } = failure.error
  if (stack === undefined) return settlement
  if (settlement.kind === 'retry' || !storeStacks) return { ...settlement, failure: withoutStack(failure) }
  if (stack.length <= maxDeadStackLength) return settlement
  return {
    ...settlement,
    failure: { ...failure, error: { ...failure.error, stack: tidied(stack, maxDeadStackLength) } },
  }
}
