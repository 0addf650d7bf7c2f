import { Logger, makeWorkerUtils, type Runner, run } from 'graphile-worker'
import type { Body, OpenSystem } from '../system.js'

/** Uses Graphile Worker as its documentation shows. */
export const open: OpenSystem = async ({ url, topic, concurrency }) => {
  const logger = new Logger(() => () => {})
  const utils = await makeWorkerUtils({ connectionString: url, logger })
  await utils.migrate()
  let runner: Runner | undefined
  return {
    publish: async (body) => void (await utils.addJob(topic, body)),
    async consume(handler) {
      runner = await run({
        connectionString: url,
        concurrency,
        logger,
        noHandleSignals: true,
        taskList: { [topic]: async (payload) => handler(payload as Body) },
      })
    },
    async close() {
      await runner?.stop()
      await utils.release()
    },
  }
}
