import type { ComponentChildren } from 'preact'
import type { Entry, Place } from '../../broker/entries.js'
import type { ListName } from '../../broker/lists.js'
import { linkTo } from '../../http/address.js'
import { onOneLine } from '../../text/json.js'
import { shortened } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Badge, Moment, Unknown } from '../parts.js'

interface EntryTableProps {
  readonly frame: Frame
  readonly place: Place
  readonly list: ListName
  readonly entries: readonly Entry[]
  /** The page on which the entries were listed, so that each is found there again. */
  readonly page: Readonly<Record<string, string | undefined>>
  /** Whether entries can be chosen for an operation. */
  readonly isChoosable: boolean
}

interface Column {
  readonly title: string
  readonly cell: (entry: Entry, now: number) => ComponentChildren
}

const attempt: Column = { title: 'Attempt', cell: ({ attempt }) => attempt ?? <Unknown /> }
const published: Column = { title: 'Published', cell: ({ time }, now) => <Moment at={Date.parse(time)} now={now} /> }
const lastError: Column = { title: 'Last error', cell: ({ failure }) => <ErrorText entry={{ failure }} /> }

/** The columns of each list, beside the message itself. */
const columns: Readonly<Record<ListName, readonly Column[]>> = {
  ready: [published, attempt],
  inFlight: [
    {
      title: 'Runs since',
      cell: ({ startedAt }, now) => (startedAt === undefined ? <Unknown /> : <Moment at={startedAt} now={now} />),
    },
    attempt,
  ],
  retrying: [
    {
      title: 'Next run',
      cell: ({ dueAt }, now) => (dueAt === undefined ? <Unknown /> : <Moment at={dueAt} now={now} />),
    },
    attempt,
    lastError,
  ],
  delayed: [
    { title: 'Due', cell: ({ dueAt }, now) => (dueAt === undefined ? <Unknown /> : <Moment at={dueAt} now={now} />) },
    attempt,
  ],
  dead: [
    { title: 'Reason', cell: ({ failure }) => <Badge kind="bad">{failure?.reason ?? 'unknown'}</Badge> },
    { title: 'Error', cell: ({ failure }) => <ErrorText entry={{ failure }} /> },
    { title: 'Runs', cell: ({ failure }) => failure?.attempts ?? <Unknown /> },
    {
      title: 'Died',
      cell: ({ failure }, now) => (failure === undefined ? <Unknown /> : <Moment at={failure.failedAt} now={now} />),
    },
  ],
}

function ErrorText({ entry: { failure } }: { readonly entry: Pick<Entry, 'failure'> }) {
  if (failure === undefined) return <span class="none">none</span>
  const { name, message, code } = failure.error
  return (
    <span class="error">
      {shortened(name === 'Error' ? message : `${name}: ${message}`, 160)}
      {code === undefined ? null : <code>{shortened(code, 40)}</code>}
    </span>
  )
}

/** Lists messages, with a link to each. */
export function EntryTable({ frame, place, list, entries, page, isChoosable }: EntryTableProps) {
  const own = columns[list]
  return (
    <div class="scroll">
      <table class="entries stacks">
        <caption class="unseen">Messages</caption>
        <thead>
          <tr>
            {isChoosable && (
              <th class="choose">
                <input type="checkbox" data-choose-all aria-label="Choose all messages of this page" />
              </th>
            )}
            <th scope="col">Message</th>
            {own.map(({ title }) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.entryId}>
              {isChoosable && (
                <td class="choose">
                  <input
                    type="checkbox"
                    name="entry"
                    value={entry.entryId}
                    aria-label={`Choose ${shortened(entry.id, 80)}`}
                  />
                </td>
              )}
              <th scope="row">
                <a
                  class="message"
                  href={linkTo(frame.base, '/message', { ...place, list, ...page, entry: entry.entryId })}
                >
                  <code class="id">{shortened(entry.id, 64)}</code>
                </a>
                <span class="data">{entry.isTombstone ? 'deletes its key' : onOneLine(entry.data)}</span>
              </th>
              {own.map(({ title, cell }) => (
                <td key={title} data-title={title}>
                  {cell(entry, frame.now)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
