import { onMessage, report } from '../../src/index.js'

/** Handles numbers one after the other, and reports each. */
let handled = 0
onMessage(async (message) => {
  if (message === 'fail') throw new Error('told to fail')
  if (message === 'end') process.exit(3)
  const { count } = message as { count: number }
  for (let index = 0; index < count; index += 1) {
    handled += 1
    await report({ handled })
  }
  await report({ done: true, argument: process.argv[2], variable: process.env.CHILD_TEST })
})
await report({ ready: true })
