import { randomUUID } from 'node:crypto'
import type { MqError, StopOptions } from '@mq/core/adapter'
import { isGroupMissing } from '../connection/errors.js'
import { createLink } from '../connection/link.js'
import { settledWithin } from '../connection/waiters.js'
import { leaveScript } from '../wire/scripts/group.js'
import { tidyScript } from '../wire/scripts/tidy.js'
import { keepClaims } from './claims.js'
import { createDeliveries } from './deliveries.js'
import { retained } from './groups.js'
import { Intake } from './intake.js'
import { superviseLoop } from './loop.js'
import { restoreGroup } from './restore.js'
import { type ConsumerParts, lossReporter, type RunningConsumer } from './running-consumer.js'
import { Runs } from './runs.js'
import { createSettler } from './settler.js'

/** Longer than it takes to settle a handler that ends at once, so that it may end even if a stop has no time. */
const minGraceMs = 500
/** How long a stop may take beyond its timeout to give messages back and to say goodbye to the broker. */
const leaveMs = 1_000
/** The part of that which is kept for the goodbye. */
const minLeaveMs = 100

/**
 * Starts a consumer of a declared group. It has a connection of its own, on which it may block. The loop passes what the intake gets to the
 * deliveries, these call the handlers, and the settler carries out what becomes of each message.
 */
export async function startGroupConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const { settings, place, options, handle, commands, report } = parts
  const { ordered, concurrency } = options
  const { stream, retry, groups, lanes, waiting, open } = place.keys
  const ref = { topic: place.topic, group: place.group }
  const name = `${settings.clientName}-${randomUUID().slice(-12)}`
  const onError = (error: MqError): void => report({ type: 'error', error, ...ref })
  const onLoss = lossReporter(ref, report)
  const link = createLink(settings)
  const runs = new Runs(concurrency)
  const intake = new Intake({ settings, place, name, link, commands, runs, ordered })
  const settler = createSettler({ place, name, link: commands, runs, intake, ordered, onError, onLoss })
  const deliveries = createDeliveries({ runs, settler, commands, handle, onLoss })
  let isStopping = false
  let stopped: Promise<void> | undefined

  await link.open()
  const claims = keepClaims({ place, name, link: commands, runs, visibilityMs: settings.visibilityMs })
  const loop = superviseLoop({
    link,
    room: runs,
    intake,
    accept: deliveries.accept,
    async tidy() {
      const args = [place.consumerGroup, retained(place, settings)]
      await link.run(tidyScript, [stream, retry, groups, lanes, waiting, open], args)
    },
    async recover(error) {
      intake.recheckPending()
      if (!isGroupMissing(error)) return false
      await restoreGroup({ place, link, runs, report, after: deliveries.lastId })
      deliveries.startOver()
      return true
    },
    onError,
  })

  async function stop(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    isStopping = true
    deliveries.beginStop()
    loop.stop()
    runs.wake()
    await settledWithin(loop.ended, Math.max(timeoutMs, settings.pollMs + minGraceMs))
    const leaveBy = Math.max(endsAt, performance.now()) + leaveMs
    await deliveries.end(Math.max(0, endsAt - performance.now()))
    claims.stop()
    const leaving = commands.run(leaveScript, [stream, retry], [place.consumerGroup, name])
    if (commands.isUp) await settledWithin(leaving, Math.max(minLeaveMs, leaveBy - performance.now()))
    else leaving.catch(() => {})
    link.close()
  }

  return {
    health: () => ({ ...ref, status: isStopping ? 'stopping' : loop.isRunning() ? 'consuming' : 'recovering' }),
    stop({ timeoutMs }: StopOptions) {
      stopped ??= stop(timeoutMs)
      return stopped
    },
  }
}
