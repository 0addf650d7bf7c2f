/** Says why the suite cannot notice how soon a message is taken over. */
export const soonHere =
  'The suite accepts any takeover within `redeliveryMs`. That the end of a process counts at once is a promise of this adapter alone.'

/** Says why the suite cannot notice that a fence is gone. */
export const fencedTwice =
  'A consumer that has outlasted its claim sends nothing. To take a message away within the claim, a test needs a statement of its own.'

/** Says why the suite cannot notice that a statement waits for another one. */
export const waitsUnseen =
  'The suite sees which messages come, and not that a statement waits for the locks of another. Nothing is taken twice, because it looks again afterwards.'

/** Says why the suite cannot notice what only the tables show. */
export const onlyInTables = 'The suite has no contract for what the tables of an adapter hold, or who may use them.'

/** Says why the suite cannot notice faults in transactions, the outbox and the inbox. */
export const beyondTheSuite =
  'The suite asks what transactions deliver, not how they are told apart, and knows neither the outbox nor the inbox nor the store.'
