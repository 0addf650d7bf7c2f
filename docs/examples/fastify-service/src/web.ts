import { isMqError, probes, type Queue, type TaskScheduler } from '@mq/core'
import fastify, { type FastifyInstance } from 'fastify'
import { makeInvoice, type Order, orderPlaced } from './contracts.js'

/** Creates the routes. They answer 202 only for what the broker has stored, and turn errors of the queue into HTTP statuses. */
export function createWeb(queue: Queue, scheduler: TaskScheduler): FastifyInstance {
  const web = fastify({ logger: true, forceCloseConnections: 'idle' })

  // Without this, a connection that is kept alive would keep the process alive after its last answer.
  let isClosing = false
  web.addHook('preClose', async () => {
    isClosing = true
  })
  web.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })

  web.post('/orders', async (request, reply) => {
    const { id } = await queue.publish(orderPlaced, request.body as Order)
    return reply.code(202).send({ eventId: id })
  })

  /** With `?waitMs=5000` it answers with the result if it comes in that time. If not, it answers with the URL of the result. */
  web.post<{ Querystring: { waitMs: number } }>('/invoices', { schema: waiting }, async (request, reply) => {
    const invoice = await scheduler.enqueue(makeInvoice, request.body as Order, { reply: true })
    try {
      return await invoice.result({ timeoutMs: request.query.waitMs })
    } catch (error) {
      if (!isMqError(error, 'MQ_TIMEOUT')) throw error
      return reply.code(202).header('location', `/invoices/${invoice.id}`).send({ id: invoice.id })
    }
  })

  /** Any instance of this service can answer, as the outcome is in the store. An unknown id looks like a pending one. */
  web.get<{ Params: { id: string } }>('/invoices/:id', async ({ params }, reply) => {
    const outcome = await scheduler.result(params.id, makeInvoice)
    if (outcome === undefined) return reply.code(202).send({ id: params.id })
    if (outcome.status === 'completed') return outcome.result
    return reply.code(500).send({ error: outcome.status === 'failed' ? outcome.failure.message : outcome.status })
  })

  /** The process is restarted if `live` fails, and gets no requests while `ready` fails. */
  const answerProbe = probes(queue, { base: '/health' })
  web.get('/health/*', (request, reply) => {
    reply.hijack()
    answerProbe(request.raw, reply.raw)
  })

  web.setErrorHandler((error, _request, reply) => {
    if (isMqError(error, 'MQ_INVALID_DATA')) return reply.code(400).send({ error: error.message })
    if (isMqError(error, 'MQ_TASK_FAILED')) return reply.code(500).send({ error: error.message })
    // The message is not stored, or may not be: the client may try again.
    if (isMqError(error)) return reply.code(503).header('retry-after', '1').send({ error: error.code })
    return reply.send(error)
  })
  return web
}

const waiting = {
  querystring: {
    type: 'object',
    properties: { waitMs: { type: 'integer', minimum: 1, maximum: 20_000, default: 1 } },
  },
}
