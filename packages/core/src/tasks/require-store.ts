import { type MemberKinds, wrongMembers } from '../contract/checks/member-kinds.js'
import { requireOptions } from '../contract/checks/options.js'
import { MqError } from '../contract/errors.js'
import type { OptionalStoreMember, StoreLeases, TaskStore } from './task-store.js'

const storeKinds: MemberKinds<TaskStore> = {
  claim: 'function',
  put: 'function',
  get: 'function',
  compareAndSet: 'function?',
  delete: 'function?',
  leases: 'object?',
  take: 'function?',
  within: 'function?',
}
const leaseKinds: MemberKinds<StoreLeases> = { acquire: 'function', renew: 'function', release: 'function' }

/** Throws a `TypeError` that names each member that is missing or has a wrong type. Optional members may be absent. */
export function requireStore(store: unknown): asserts store is TaskStore {
  requireOptions(store, 'store')
  const { leases } = store as Partial<TaskStore>
  const wrong = wrongMembers(store as object, storeKinds, 'store.')
  refuse(wrong)
  if (leases !== undefined && leases !== null) refuse(wrongMembers(leases, leaseKinds, 'store.leases.'))
}

function refuse(wrong: readonly string[]): void {
  if (wrong.length > 0) throw new TypeError(`This is no store: ${wrong.join('; ')}`)
}

/**
 * Throws `MQ_NOT_SUPPORTED` if the store lacks the member. The error names the member and `what` needs it, as in
 * `requireStoreMember(store, 'leases', 'A limit over all processes')`.
 */
export function requireStoreMember<Name extends OptionalStoreMember>(
  store: TaskStore,
  name: Name,
  what: string,
): asserts store is TaskStore & Required<Pick<TaskStore, Name>> {
  if (store[name] !== undefined && store[name] !== null) return
  throw new MqError('MQ_NOT_SUPPORTED', `${what} needs a store with '${name}', and this one has none`)
}

/** Makes the error of a call that needs a store if the scheduler has none. */
export const storeRequired = (what: string): MqError =>
  new MqError('MQ_STORE_REQUIRED', `${what} needs a store: createScheduler(queue, { store })`)
