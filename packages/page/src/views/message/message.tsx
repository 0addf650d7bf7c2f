import type { ComponentChildren } from 'preact'
import type { Entry, Place } from '../../broker/entries.js'
import { type ListName, listTitles } from '../../broker/lists.js'
import { linkTo } from '../../http/address.js'
import { onLines } from '../../text/json.js'
import { shownCount } from '../../text/numbers.js'
import { visible, visibleLines } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Crumbs } from '../group/group.js'
import { Badge, Moment, Name } from '../parts.js'

interface MessageProps {
  readonly frame: Frame
  readonly place: Place
  readonly list: ListName
  readonly entry: Entry
  /** The operations on this message. */
  readonly controls: ComponentChildren
}

const taskPrefix = 'task.'

/** One message as a whole. */
export function MessagePage({ frame, place, list, entry, controls }: MessageProps) {
  const { topic, group } = place
  return (
    <>
      <Crumbs frame={frame} topic={topic} />
      <p class="back">
        <a href={linkTo(frame.base, '/group', { topic, group, list })}>
          ← {listTitles[list]} messages of <Name text={group} />
        </a>
      </p>
      <div class="title">
        <h1 class="id">{visible(entry.id)}</h1>
        <Badge kind={list === 'dead' ? 'bad' : 'plain'}>{listTitles[list].toLowerCase()}</Badge>
        <div class="controls">{controls}</div>
      </div>
      {topic.startsWith(taskPrefix) && entry.isIdWhole && (
        <p>
          <a href={linkTo(frame.base, '/task', { id: entry.id, task: topic.slice(taskPrefix.length) })}>
            Show it as a task
          </a>
        </p>
      )}
      {entry.failure && <FailurePart failure={entry.failure} now={frame.now} />}
      <DataPart entry={entry} />
      <section aria-labelledby="about">
        <h2 id="about">About the message</h2>
        <dl class="pairs">
          <Pair title="Published">
            <Moment at={Date.parse(entry.time)} now={frame.now} />
          </Pair>
          {entry.attempt !== undefined && (
            <Pair title={list === 'inFlight' ? 'Attempt' : 'Next attempt'}>{entry.attempt}</Pair>
          )}
          {entry.startedAt !== undefined && (
            <Pair title="Runs since">
              <Moment at={entry.startedAt} now={frame.now} />
            </Pair>
          )}
          {entry.dueAt !== undefined && (
            <Pair title={list === 'retrying' ? 'Next run' : 'Due'}>
              <Moment at={entry.dueAt} now={frame.now} />
            </Pair>
          )}
          {entry.key !== undefined && <Pair title="Key">{visible(entry.key)}</Pair>}
          <Pair title="Type">{visible(entry.type)}</Pair>
          <Pair title="Source">{visible(entry.source)}</Pair>
          <Pair title="Content">{`${visible(entry.contentType ?? 'no type')}, ${shownCount(entry.bytes)} bytes`}</Pair>
          {entry.extensions.map(([name, value]) => (
            <Pair key={name} title={visible(name)}>
              {visible(value)}
            </Pair>
          ))}
        </dl>
      </section>
      {entry.headers.length > 0 && (
        <section aria-labelledby="headers">
          <h2 id="headers">Headers</h2>
          <dl class="pairs">
            {entry.headers.map(([name, value]) => (
              <Pair key={name} title={visible(name)}>
                {visible(value)}
              </Pair>
            ))}
          </dl>
        </section>
      )}
    </>
  )
}

export const Pair = ({ title, children }: { readonly title: string; readonly children: ComponentChildren }) => (
  <div>
    <dt>{title}</dt>
    <dd>{children}</dd>
  </div>
)

export function FailurePart({
  failure,
  now,
}: {
  readonly failure: NonNullable<Entry['failure']>
  readonly now: number
}) {
  const { error, reason, attempts, firstFailedAt, failedAt } = failure
  return (
    <section class="failure" aria-labelledby="failure">
      <h2 id="failure">Why it failed</h2>
      <p>
        <Badge kind="bad">{reason}</Badge> <strong>{visible(error.name)}</strong>{' '}
        {error.code === undefined ? '' : <code>{visible(error.code)}</code>}
      </p>
      <p class="why">{visibleLines(error.message)}</p>
      <p class="hint">
        {attempts === 1 ? 'One run failed' : `${attempts} runs failed`}, the last <Moment at={failedAt} now={now} />
        {firstFailedAt === failedAt ? null : (
          <>
            , the first <Moment at={firstFailedAt} now={now} />
          </>
        )}
        .
      </p>
      {error.stack === undefined ? null : (
        <details>
          <summary>Stack</summary>
          <pre tabindex={0}>{visibleLines(error.stack)}</pre>
        </details>
      )}
    </section>
  )
}

export function DataPart({
  entry,
  title = 'Data',
}: {
  readonly entry: Pick<Entry, 'data' | 'isHidden' | 'isTombstone'>
  readonly title?: string
}) {
  const { text, isCut } = onLines(entry.data)
  return (
    <section aria-labelledby="data">
      <h2 id="data">
        {title} {entry.isHidden ? <Badge kind="plain">parts are hidden</Badge> : null}
      </h2>
      {entry.isTombstone ? <p>The message has no data: it deletes its key.</p> : <pre tabindex={0}>{text}</pre>}
      {isCut ? <p class="hint">Only the beginning is shown.</p> : null}
    </section>
  )
}
