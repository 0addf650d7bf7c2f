import type { Queue } from '@mq/core'
import { DataSource, EntitySchema } from 'typeorm'

const User = new EntitySchema<{ email: string }>({
  name: 'users',
  columns: { email: { type: 'text', primary: true } },
})

export async function openDatabase(url: string) {
  const source = await new DataSource({ type: 'postgres', url, entities: [User] }).initialize()
  return {
    /** Stores a user and publishes the event, or does neither. */
    async signUp(queue: Queue, email: string): Promise<void> {
      await source.transaction(async (manager) => {
        await queue.publish('user.created', { email }, { transaction: manager })
        await manager.insert(User, { email })
      })
    },
    close: () => source.destroy(),
  }
}
