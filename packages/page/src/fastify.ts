import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Queue } from '@mq/core'
import type { PageOptions } from './options.js'
import { createPage } from './page.js'

/** The parts of fastify that the plugin uses, so that this package needs no types of it. */
export interface FastifyLike {
  readonly prefix: string
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => void): unknown
  addHook(name: 'preClose', hook: (done: () => void) => void): unknown
}

export interface FastifyRequestLike {
  readonly raw: IncomingMessage
}

export interface FastifyReplyLike {
  readonly raw: ServerResponse
  hijack(): unknown
}

export interface FastifyPageOptions extends Omit<PageOptions, 'base'> {
  readonly queue: Queue
  /** The path of the page, for fastify. */
  readonly prefix?: string | undefined
}

/**
 * The page as a plugin: `app.register(fastifyPage, { prefix: '/queues', queue })`. It ends its live connections when the application
 * closes.
 */
export async function fastifyPage(
  app: FastifyLike,
  { queue, prefix: _, ...options }: FastifyPageOptions,
): Promise<void> {
  const page = createPage(queue, { ...options, base: app.prefix })
  // The page reads its forms by itself. This concerns the routes of the plugin alone.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const answer = (request: FastifyRequestLike, reply: FastifyReplyLike): void => {
    reply.hijack()
    page(request.raw, reply.raw)
  }
  app.all('/', answer)
  app.all('/*', answer)
  // Before the server closes, because it waits for its connections.
  app.addHook('preClose', (done) => {
    page.close()
    done()
  })
}
