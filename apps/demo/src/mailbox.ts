import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

/** A mail as it arrived. */
export interface Mail {
  readonly messageId: string
  /** The recipient in the envelope. */
  readonly to: string
  readonly raw: Buffer
}

export interface MailboxOptions {
  /** Addresses that are answered 550: there is no such mailbox. */
  readonly bounces?: readonly string[]
  /** Addresses that are answered 451 twice and then accepted. */
  readonly failsTwice?: readonly string[]
  /** Addresses whose mails are accepted and lost, to show that the demo notices. */
  readonly swallows?: readonly string[]
  readonly onMail?: (mail: Mail) => void
}

export interface Mailbox {
  readonly port: number
  /** Lists the mails in the order of arrival, one for each recipient and Message-ID. */
  mails(): readonly Mail[]
  /** Counts the mails that came again with a known Message-ID. */
  duplicates(): number
  /** Counts how often the address was answered 4xx or 5xx. */
  refusals(address: string): number
  /** Accepts every mail from now on, as if somebody had made the mailboxes that were missing. */
  acceptAll(): void
  close(): Promise<void>
}

/**
 * Starts a real SMTP server on loopback. It keeps one mail for each Message-ID and accepts the others without keeping them, as an
 * idempotent receiver does: a sender that sends at least once may send twice.
 */
export async function startMailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const { bounces = [], failsTwice = [], swallows = [], onMail } = options
  const kept = new Map<string, Mail>()
  const refusals = new Map<string, number>()
  let duplicates = 0
  let acceptsAll = false

  const refusalOf = (address: string): Error | undefined => {
    if (acceptsAll) return undefined
    if (bounces.includes(address)) return reply(550, '5.1.1 There is no such mailbox')
    const isBusy = failsTwice.includes(address) && (refusals.get(address) ?? 0) < 2
    return isBusy ? reply(451, '4.3.0 The mailbox is busy, try again later') : undefined
  }
  const keep = async (raw: Buffer, session: SMTPServerSession): Promise<void> => {
    const { messageId } = await PostalMime.parse(raw)
    if (messageId === undefined) throw reply(554, '5.6.0 A mail without a Message-ID is not taken')
    for (const { address } of session.envelope.rcptTo) {
      if (swallows.includes(address)) continue
      const key = `${messageId} ${address}`
      if (kept.has(key)) {
        duplicates += 1
        continue
      }
      const mail = { messageId, to: address, raw }
      kept.set(key, mail)
      onMail?.(mail)
    }
  }

  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    size: 1024 * 1024,
    onRcptTo({ address }, _session, callback) {
      const refusal = refusalOf(address)
      if (refusal !== undefined) refusals.set(address, (refusals.get(address) ?? 0) + 1)
      callback(refusal)
    },
    onData(stream, session, callback) {
      stream
        .toArray()
        .then((chunks: Buffer[]) => keep(Buffer.concat(chunks), session))
        .then(
          () => callback(),
          (error: Error) => callback(error),
        )
    },
  })
  // A sender may hang up in the middle; that is no fault of the server.
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')

  return {
    port: (listening.address() as AddressInfo).port,
    mails: () => [...kept.values()],
    duplicates: () => duplicates,
    refusals: (address) => refusals.get(address) ?? 0,
    acceptAll() {
      acceptsAll = true
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const reply = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode })
