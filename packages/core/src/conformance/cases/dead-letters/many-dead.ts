import { type DeadLetters, isMqError, Unrecoverable } from '../../../index.js'
import type { Kit } from '../../kit/kit.js'

/** Lists the dead letters. The list is empty while the connection recovers, because the call rejects. */
export async function listed(letters: DeadLetters) {
  try {
    return await letters.list({ limit: 10_000 })
  } catch (error) {
    if (isMqError(error)) return []
    throw error
  }
}

/** Creates dead letters from the messages of a ledger, and leaves no consumer. */
export async function manyDead(kit: Kit, count: number) {
  const queue = await kit.queue()
  const ledger = kit.ledger(kit.topic())
  const hopeless = await kit.collect(queue, kit.topic(), {
    concurrency: 50,
    handler: () => {
      throw new Unrecoverable('hopeless')
    },
  })
  await ledger.publish(queue, { count })
  const letters = queue.deadLetters(kit.topic())
  await kit.until('all to be dead', async () => (await listed(letters)).length >= count, { timeoutMs: 20_000 })
  await hopeless.subscription.stop()
  return { letters, ledger, published: [...ledger.published] }
}
