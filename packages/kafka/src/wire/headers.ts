/** The headers that hold the history of a message in its group. */
export const ownHeader = { attempt: 'mq-attempt', failure: 'mq-failure', delay: 'mq-delay' } as const

/** The headers of a dead letter that is not the message itself. */
export const letterHeader = {
  /** The body is a whole batch that could not be read: `topic/partition/first-last`, with its offsets. */
  batch: 'mq-batch',
  /** The body is only the beginning of a message that is too large: `topic/partition/offset`, where the message is. */
  stub: 'mq-stub',
  /** The length of that message's body. */
  stubOf: 'mq-stub-of-bytes',
} as const

/** Objects whose first fields are the same in the same order are quick to fill and to read. */
export const noAttributes = {
  specversion: undefined,
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  datacontenttype: undefined,
  partitionkey: undefined,
}

/** The attribute that a header holds, for the headers of nearly every record: a lookup is quicker than cutting off `ce_`. */
export const attributeOf: ReadonlyMap<string, string> = new Map([
  ...Object.keys(noAttributes).map((name) => [`ce_${name}`, name] as const),
  ['content-type', 'datacontenttype'],
])

/** The reverse of `attributeOf`. */
export const headerOf: ReadonlyMap<string, string> = new Map(
  [...attributeOf].map(([name, attribute]) => [attribute, name]),
)
