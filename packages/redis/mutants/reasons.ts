/** Says why the suite cannot notice that one of two fences is gone. */
export const fencedTwice =
  'A consumer that has outlasted its claim sends nothing. To take a message away within the claim, a test needs a command of this broker.'

/** Says why the suite cannot notice how soon a message is taken over. */
export const soonOnRedis =
  'The suite accepts any takeover within `redeliveryMs`. That the end of a process counts at once is a promise of this adapter alone.'
