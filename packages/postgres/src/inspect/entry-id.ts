/** The names of entries: of deliveries with their claims, so that a message that died twice has two names, and of delayed messages. */
const pattern = /^(\d{1,19})-(?:(\d{1,19})-(\d{1,10})|d(\d{1,19}))$/
const maxBigint = 9_223_372_036_854_775_807n
const maxInt = 2_147_483_647

export const deliveryId = (grp: string, message: string, claim: number): string => `${grp}-${message}-${claim}`
export const delayedId = (grp: string, id: string): string => `${grp}-d${id}`

export interface EntryRows {
  /** The messages and claims of deliveries, side by side. */
  readonly messages: readonly string[]
  readonly claims: readonly number[]
  /** The ids of delayed messages. */
  readonly delayed: readonly string[]
}

/** Returns the rows of the entries that belong to this group. What is no name of one is left out. */
export function rowsOf(grp: string, entryIds: readonly string[]): EntryRows {
  const messages: string[] = []
  const claims: number[] = []
  const delayed: string[] = []
  for (const entryId of new Set(entryIds)) {
    const [, own, message, claim, delayedRow] = pattern.exec(entryId) ?? []
    if (own !== grp) continue
    if (delayedRow !== undefined && isBigint(delayedRow)) delayed.push(delayedRow)
    if (message === undefined || !isBigint(message) || Number(claim) > maxInt) continue
    messages.push(message)
    claims.push(Number(claim))
  }
  return { messages, claims, delayed }
}

const isBigint = (digits: string): boolean => BigInt(digits) <= maxBigint
