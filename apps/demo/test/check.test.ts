import { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { type Checked, problemsOf } from '../src/check.js'
import { createLedger } from '../src/ledger.js'
import type { Mail } from '../src/mailbox.js'
import { outcomesOf } from '../src/outcome.js'
import type { Row, SignedUp } from '../src/sign-ups.js'

const rowOf = (email: string, expectation: Row['expect']): Row => ({
  name: 'Somebody',
  email,
  country: 'GB',
  expect: expectation,
})

const rows = [
  rowOf('ada@example.com', 'mail'),
  rowOf('bob@example.com', 'bounce'),
  rowOf('cid@example.com', 'mail after retries'),
  rowOf('dan', 'refused'),
] as const
const [ada, bob, cid, dan] = rows

interface Told {
  readonly signedUp: readonly SignedUp[]
  readonly mails: readonly Mail[]
  readonly deadLetters: ReadonlyMap<string, string>
  readonly webhooks: ReadonlyMap<string, string>
  readonly refusals: Checked['refusals']
  readonly summary: Checked['summary']
}

async function mailOf(to: string, userId: string, subject = 'Welcome to our platform'): Promise<Mail> {
  const text = `Hello, thank you for registering with us! Your user ID is ${userId}.`
  const composer = createTransport({ streamTransport: true })
  const { message, messageId } = await composer.sendMail({ from: 'welcome@example.com', to, subject, text })
  const chunks: Buffer[] = await Readable.from(message as Readable).toArray()
  return { messageId, to, raw: Buffer.concat(chunks) }
}

const webhookOf = (userId: string): [string, string] => [
  `event-${userId}/notification`,
  JSON.stringify({ type: 'user.created', data: { userId, email: 'x' } }),
]

/** Makes a good result for users 1 to 3. */
const good = async (): Promise<Told> => ({
  signedUp: [
    { row: ada, userId: '1', eventId: 'event-1' },
    { row: bob, userId: '2', eventId: 'event-2' },
    { row: cid, userId: '3', eventId: 'event-3' },
    { row: dan, status: 400, reason: 'email: Invalid email address' },
  ],
  mails: [await mailOf('ada@example.com', '1'), await mailOf('cid@example.com', '3')],
  deadLetters: new Map([['event-2/send-email', '550 5.1.1 There is no such mailbox']]),
  webhooks: new Map(['1', '2', '3'].map(webhookOf)),
  refusals: (address) => (address === 'cid@example.com' ? 2 : 0),
  summary: { rows: 4, unusable: 1, domains: {}, countries: {} },
})

async function problemsWith(
  change: (told: Told) => Partial<Told> | Promise<Partial<Told>>,
): Promise<readonly string[]> {
  const fine = await good()
  const told = { ...fine, ...(await change(fine)) }
  const ledger = createLedger('')
  return problemsOf({ ...told, rows, ledger, outcomes: await outcomesOf({ ...told, ledger }) })
}

describe('the verdict', () => {
  it('is good when every sign-up ended as its row says', async () => {
    expect(await problemsWith(() => ({}))).toEqual([])
  })

  const faults: [string, (told: Told) => Partial<Told> | Promise<Partial<Told>>, string][] = [
    ['a lost mail', ({ mails }) => ({ mails: mails.slice(1) }), 'ada@example.com (user 1): no mail arrived'],
    [
      'two mails',
      async ({ mails }) => ({ mails: [...mails, await mailOf('ada@example.com', '1')] }),
      'ada@example.com (user 1): 2 mails arrived instead of one',
    ],
    [
      'the id of somebody else',
      async ({ mails }) => ({ mails: [await mailOf('ada@example.com', '3'), ...mails.slice(1)] }),
      'ada@example.com (user 1): its mail says',
    ],
    [
      'another subject',
      async ({ mails }) => ({ mails: [await mailOf('ada@example.com', '1', 'Hello'), ...mails.slice(1)] }),
      "ada@example.com (user 1): the subject of its mail is 'Hello'",
    ],
    [
      'a mail and a dead letter',
      () => ({
        deadLetters: new Map([
          ['event-1/send-email', 'no reason'],
          ['event-2/send-email', '550'],
        ]),
      }),
      'ada@example.com (user 1): is dead: no reason',
    ],
    [
      'a mail to a bounced mailbox',
      async ({ mails }) => ({ mails: [...mails, await mailOf('bob@example.com', '2')] }),
      'bob@example.com (user 2): got a mail, but its mailbox bounces',
    ],
    ['a bounce without a dead letter', () => ({ deadLetters: new Map() }), 'bounced, but is not in the dead letters'],
    [
      'a bounce for another reason',
      () => ({ deadLetters: new Map([['event-2/send-email', 'timeout']]) }),
      'is in the dead letters for another reason: timeout',
    ],
    ['a mailbox that was never busy', () => ({ refusals: () => 1 }), 'cid@example.com (user 3): was refused 1 times'],
    [
      'a mail to somebody who was refused',
      async ({ mails }) => ({ mails: [...mails, await mailOf('dan@example.com', '4')] }),
      'dan@example.com: got a mail, but its sign-up was not accepted',
    ],
    [
      'a bad address that was accepted',
      ({ signedUp }) => ({ signedUp: [...signedUp.slice(0, 3), { row: dan, userId: '4', eventId: 'event-4' }] }),
      'dan (user 4): was accepted',
    ],
    [
      'a good address that was refused',
      ({ signedUp }) => ({ signedUp: [{ row: ada, status: 503, reason: 'later' }, ...signedUp.slice(1)] }),
      'ada@example.com: was answered 503, later',
    ],
    [
      'a bad address without a reason',
      ({ signedUp }) => ({ signedUp: [...signedUp.slice(0, 3), { row: dan, status: 400, reason: '' }] }),
      'dan: should be a 400 with a reason',
    ],
    ['a sign-up that was forgotten', ({ signedUp }) => ({ signedUp: signedUp.slice(0, 3) }), 'dan: was never sent'],
    ['a lost webhook', () => ({ webhooks: new Map(['1', '2'].map(webhookOf)) }), '(user 3): no webhook arrived'],
    [
      'a webhook about somebody else',
      ({ webhooks }) => ({ webhooks: new Map([...webhooks, ['event-1/notification', webhookOf('2')[1]]]) }),
      '(user 1): its webhook is about somebody else',
    ],
    [
      'a webhook too many',
      ({ webhooks }) => ({ webhooks: new Map([...webhooks, webhookOf('9')]) }),
      'A webhook arrived that belongs to no sign-up: event-9/notification',
    ],
    ['no summary', () => ({ summary: undefined }), 'DataProcessingTask answered with no summary'],
    [
      'a summary of less',
      () => ({ summary: { rows: 3, unusable: 0, domains: {}, countries: {} } }),
      'The summary counts 3 of 4 sign-ups',
    ],
  ]
  it.each(faults)('names %s', async (_what, change, problem) => {
    const problems = await problemsWith(change)
    expect(problems.join('\n')).toContain(problem)
  })
})
