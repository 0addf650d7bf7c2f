/** Says why the suite cannot notice that one of two fences is gone. */
export const fencedTwice =
  'A consumer that has outlasted its claim sends nothing. To take a message away within the claim, a test needs a command of this broker.'
