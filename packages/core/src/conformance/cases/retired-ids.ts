/** A case that is no longer part of the suite. */
export interface RetiredCase {
  readonly id: string
  /** The guarantee, as the last version of the suite with this case stated it. */
  readonly title: string
  /** The first version of `@mq/core` without the case, such as `0.3.0`. */
  readonly since: string
  /** The reason for its removal, and the id of the case that covers the promise now, if one does. */
  readonly why: string
}

/**
 * The ids that no case may be given again, because reports of different versions are compared by id. A change that removes
 * a case adds it here. No case has been removed so far.
 */
export const retiredCases: readonly RetiredCase[] = []
