import type { AdapterState, HealthStatus, MqError } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import type { Settings } from '../options.js'
import { answerTimeoutMs, isBlocked } from './answers.js'
import { onChannel } from './channels.js'
import { Link } from './link.js'
import { persistently } from './persistently.js'

/** Does some work on a channel of its own, and again if the connection ends meanwhile. `what` says what it is for, in errors. */
export type Request = <T>(what: string, work: (channel: Channel) => Promise<T>, on?: typeof onChannel) => Promise<T>

export interface PublishingListener {
  readonly onUp: (connection: ChannelModel) => void
  readonly onDown: () => void
}

/** Creates the adapter's two connections, and reports them as one: connected while each that was opened is up. */
export function createLinks(settings: Settings, state: AdapterState, publishingListener: PublishingListener) {
  let reported: 'connected' | 'reconnecting' = 'connected'
  const publishing = new Link(settings, 'publish', {
    onUp(connection) {
      publishingListener.onUp(connection)
      report()
    },
    onDown(error) {
      publishingListener.onDown()
      noteLoss(error)
    },
    onRetryFailed: state.noteError,
    onBlocked: (reason) => state.report({ type: 'blocked', blocked: reason !== undefined, ...(reason && { reason }) }),
  })
  const consuming = new Link(settings, 'consume', {
    onUp: () => report(),
    onDown: noteLoss,
    onRetryFailed: state.noteError,
    // The broker blocks only connections that publish.
    onBlocked: () => undefined,
  })

  function noteLoss(error: MqError): void {
    state.noteError(error)
    report(error)
  }

  function report(error?: MqError): void {
    const isDown = [publishing, consuming].some((link) => link.isOpen && link.connection === undefined)
    const now = isDown ? 'reconnecting' : 'connected'
    if (now === reported) return
    reported = now
    state.report({ type: 'state', state: now, ...(error && { error }) })
  }

  /** Avoids the connection for publishing while it is blocked, because RabbitMQ then answers nothing on it. */
  async function connectionForRequests(): Promise<ChannelModel> {
    if (consuming.connection !== undefined) return consuming.connection
    const publisher = await publishing.ready(answerTimeoutMs)
    return isBlocked(publisher) ? consuming.ready(answerTimeoutMs) : publisher
  }

  const request: Request = (what, work, on = onChannel) =>
    persistently(what, async () => {
      state.requireOpen()
      return await on(await connectionForRequests(), what, work)
    })

  return {
    publishing,
    consuming,
    request,
    /** Resolves with the connection that requests are sent on. */
    forRequests: connectionForRequests,
    /** Says how the connections are, from memory. */
    get status(): HealthStatus {
      const isUp = ({ connection }: Link): boolean => connection !== undefined
      if (isUp(publishing) && (!consuming.isOpen || isUp(consuming))) return 'up'
      return isUp(publishing) || isUp(consuming) ? 'degraded' : 'down'
    },
    async close(timeoutMs: number): Promise<void> {
      await Promise.all([publishing.close(timeoutMs), consuming.close(timeoutMs)])
    },
  }
}
