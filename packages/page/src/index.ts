export {
  type FastifyLike,
  type FastifyPageOptions,
  type FastifyReplyLike,
  type FastifyRequestLike,
  fastifyPage,
} from './fastify.js'
export type { Operation, PageOptions, PageUser, RedactContext, Rights } from './options.js'
export { createPage, type Page } from './page.js'
