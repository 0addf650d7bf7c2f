import { randomUUID } from 'node:crypto'
import type { ConsumerHealth, MqError, StopOptions } from '@mq/core/adapter'
import { isGroupMissing } from '../connection/errors.js'
import { withPresence } from '../connection/presence.js'
import { settledWithin } from '../connection/waiters.js'
import { leaveScript } from '../wire/scripts/group.js'
import { keepClaims } from './claims.js'
import { createDeliveries } from './deliveries.js'
import { Gate } from './gate.js'
import { Intake } from './intake.js'
import { superviseLoop } from './loop.js'
import { restoreGroup } from './restore.js'
import { type ConsumerParts, lossReporter, type RunningConsumer } from './running-consumer.js'
import { Runs } from './runs.js'
import { createSettler } from './settler.js'
import { GroupUpkeep } from './upkeep.js'

/** Longer than it takes to settle a handler that ends at once, so that it may end even if a stop has no time. */
const minGraceMs = 500
/** How long a stop may take beyond its timeout to give messages back and to say goodbye to the broker. */
const leaveMs = 1_000
/** The part of that which is kept for the goodbye. */
const minLeaveMs = 100

/**
 * Starts a consumer of a declared group. The loop passes what the intake gets to the
 * deliveries, these call the handlers, and the settler carries out what becomes of each message.
 */
export async function startGroupConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const { settings, place, options, handle, commands, common, report } = parts
  const { ordered, concurrency } = options
  const { stream, retry, gate: gateKey, consumers } = place.keys
  const ref = { topic: place.topic, group: place.group }
  const onError = (error: MqError): void => report({ type: 'error', error, ...ref })
  const onLoss = lossReporter(ref, report)
  const { link } = common
  await common.open()
  const ownName = `${settings.clientName}-${randomUUID().slice(-12)}`
  const isSeen = await common.isSeenFor(place)
  const name = isSeen ? withPresence(ownName, common.presenceId) : ownName
  const topic = common.join(place)
  const runs = new Runs(concurrency)
  const { visibilityMs } = settings
  const upkeep = new GroupUpkeep({ place, name, visibilityMs, link, ordered })
  const gate = new Gate({ place, link, ordered })
  const { portions } = topic
  const intake = new Intake({ settings, place, name, common, portions, runs, gate, ordered, upkeep })
  const settler = createSettler({ place, name, link: commands, runs, intake, ordered, topic, onError, onLoss })
  const deliveries = createDeliveries({ runs, gate, settler, commands, handle, onLoss })
  let isStopping = false
  let stopped: Promise<void> | undefined

  const isPresent = (): boolean => !isSeen || common.isPresent
  const claims = keepClaims({ place, name, link: commands, runs, visibilityMs, isPresent })
  const loop = superviseLoop({
    link,
    room: runs,
    intake,
    accept: deliveries.accept,
    upkeep,
    async recover(error) {
      intake.recheckPending()
      if (!isGroupMissing(error)) return false
      await restoreGroup({ prefix: settings.prefix, place, link, runs, report, after: deliveries.lastId })
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
    intake.wake()
    await settledWithin(loop.ended, Math.max(timeoutMs, minGraceMs))
    const leaveBy = Math.max(endsAt, performance.now()) + leaveMs
    await deliveries.end(Math.max(0, endsAt - performance.now()))
    claims.stop()
    intake.close()
    common.leave(place)
    const leaving = commands.run(leaveScript, [consumers, stream, retry, gateKey], [place.consumerGroup, name])
    if (commands.isUp) await settledWithin(leaving, Math.max(minLeaveMs, leaveBy - performance.now()))
    else leaving.catch(() => {})
  }

  function health(): ConsumerHealth {
    const { paused } = gate
    if (isStopping) return { ...ref, status: 'stopping' }
    if (!loop.isRunning()) return { ...ref, status: 'recovering' }
    return paused === undefined ? { ...ref, status: 'consuming' } : { ...ref, status: 'paused', paused }
  }

  return {
    health,
    stop({ timeoutMs }: StopOptions) {
      stopped ??= stop(timeoutMs)
      return stopped
    },
  }
}
