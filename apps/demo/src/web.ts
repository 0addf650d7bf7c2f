import { randomUUID } from 'node:crypto'
import type { Queue } from '@mq/core'
import fastify, { type FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { signUp } from './events.js'
import { type Users, withoutDatabase } from './users.js'

/** The body of a 202. */
export interface Accepted {
  readonly id: string
  /** The id of the event `user.created`. */
  readonly eventId: string
}

/** The body of a 400 or 503. */
export interface Refused {
  readonly error: string
  readonly message: string
}

export interface WebOptions {
  /** Returns an id that no other event has. Default: a UUID. */
  readonly newEventId?: () => string
  /** Keeps the users. Default: nothing does. */
  readonly users?: Users
}

/**
 * Creates the web server. It signs up a user, publishes `user.created` and answers; it does not send mails.
 *
 * 202 means that the event is stored. An invalid body is answered 400 with the reason, and nothing is published. If the broker does
 * not store the event, the answer is 503, and the user may try again.
 */
export function createWeb(queue: Queue, options: WebOptions = {}): FastifyInstance {
  const { newEventId = randomUUID, users = withoutDatabase(queue) } = options
  const web = fastify({ bodyLimit: 16 * 1024, forceCloseConnections: true })
  let count = 0

  web.post('/users', async (request, reply) => {
    const parsed = signUp.safeParse(request.body)
    if (!parsed.success) return reply.code(400).send(refused('Bad Request', reasonOf(parsed.error)))
    count += 1
    const userId = String(count)
    try {
      const eventId = await users.signUp({ userId, ...parsed.data }, newEventId())
      const accepted: Accepted = { id: userId, eventId }
      return reply.code(202).send(accepted)
    } catch (error) {
      console.error(`The sign-up of user ${userId} was not published: ${(error as Error).message}`)
      return reply.code(503).send(refused('Service Unavailable', 'Sign-ups cannot be taken just now; try again later'))
    }
  })

  web.get('/health', async (_request, reply) => {
    const { status } = queue.health()
    return reply.code(status === 'down' ? 503 : 200).send({ status })
  })
  return web
}

const refused = (error: string, message: string): Refused => ({ error, message })

function reasonOf({ issues }: z.ZodError): string {
  const reasons = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
  return reasons.join('; ')
}
