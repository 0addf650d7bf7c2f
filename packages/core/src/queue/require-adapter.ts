import { type Adapter, adapterContract } from '../contract/adapter.js'
import { capabilityKinds, type OptionalCapability } from '../contract/capabilities.js'
import { type MemberKinds, wrongMembers } from '../contract/checks/member-kinds.js'
import { shown } from '../contract/checks/shown.js'
import { clockKinds } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'

const memberKinds: MemberKinds<Adapter> = {
  connect: 'function',
  disconnect: 'function',
  publish: 'function',
  declareGroup: 'function',
  deleteGroup: 'function',
  consume: 'function',
  deadLetters: 'function',
  stats: 'function',
  health: 'function',
  on: 'function',
  name: 'string',
  capabilities: 'object',
  contract: 'number',
  clock: 'object?',
  foreignCapabilities: 'function?',
  advice: 'object?',
  topics: 'function?',
  groups: 'function?',
  waiting: 'function?',
  pauseGroup: 'function?',
  resumeGroup: 'function?',
  diagnose: 'function?',
}

/**
 * Throws a `TypeError` that names each member and each capability that is missing or has a wrong type. Throws `MQ_ADAPTER_INVALID` if
 * the adapter was written for another version of the contract.
 */
export function requireAdapter(value: unknown): asserts value is Adapter {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`createQueue takes an adapter, memory() for example, not ${shown(value)}`)
  }
  const { contract, capabilities, clock } = value as Partial<Adapter>
  // The contract comes first: for another version the list of missing members does not help.
  if (contract !== undefined) requireContract(contract)
  const { contract: _, capabilities: __, ...others } = memberKinds
  refuse(wrongMembers(value, others))
  if (contract === undefined) requireContract(1)
  refuse(wrongMembers(value, { capabilities: memberKinds.capabilities }))
  refuse(wrongMembers(capabilities as object, capabilityKinds, 'capabilities.'))
  refuse(missingAbilities(value as Adapter))
  if (clock !== undefined) refuse(wrongMembers(clock, clockKinds, 'clock.'))
}

/** The optional members that a capability promises. */
const membersOf: readonly (readonly [OptionalCapability, readonly (keyof Adapter)[]])[] = [
  ['listsTopics', ['topics']],
  ['listsGroups', ['groups']],
  ['listsWaiting', ['waiting']],
  ['listsInFlight', ['waiting']],
  ['removesWaiting', ['waiting']],
  ['runsNow', ['waiting']],
  ['pausesGroups', ['pauseGroup', 'resumeGroup']],
]

function missingAbilities(adapter: Adapter): readonly string[] {
  return membersOf.flatMap(([capability, members]) => {
    if (adapter.capabilities[capability] !== true) return []
    const missing = members.filter((name) => typeof adapter[name] !== 'function')
    return missing.map((name) => `capabilities.${capability} needs the member ${name}`)
  })
}

function refuse(wrong: readonly string[]): void {
  if (wrong.length > 0) throw new TypeError(`This is no adapter: ${wrong.join('; ')}`)
}

/** See docs/decisions/0060-core-as-a-dependency.md. */
function requireContract(contract: unknown): void {
  if (contract === adapterContract) return
  if (typeof contract !== 'number') throw new TypeError(`contract must be a number, not ${shown(contract)}`)
  const older = contract < adapterContract ? 'the adapter' : '@mq/core'
  throw new MqError(
    'MQ_ADAPTER_INVALID',
    `This adapter is written for version ${contract} of the contract and this @mq/core for ${adapterContract}: update ${older}`,
  )
}
