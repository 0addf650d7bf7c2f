import type { Effects } from '../../broker/effects.js'
import { listTitles } from '../../broker/lists.js'
import type { Reading } from '../../broker/reads.js'
import type { TaskState } from '../../broker/tasks.js'
import { linkTo } from '../../http/address.js'
import { counted } from '../../text/numbers.js'
import { shortened } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Failed, Name, Unknown } from '../parts.js'

interface EffectsProps {
  readonly frame: Frame
  readonly state: TaskState
  /** Undefined if nobody has asked for them. */
  readonly effects: Reading<Effects> | undefined
}

/** The messages and tasks that a run of the task has published, as far as they are still at the broker. */
export function EffectsPart({ frame, state: { id, task }, effects }: EffectsProps) {
  const look = linkTo(frame.base, '/task', { id, task, effects: 'look' })
  return (
    <section aria-labelledby="effects">
      <h2 id="effects">Effects</h2>
      {effects === undefined ? (
        <p>
          <Unknown why="Nobody has looked for them" /> <a href={look}>Look for what this task has published</a>
        </p>
      ) : effects.problem !== undefined ? (
        <Failed what="The effects could not be looked for." problem={effects.problem} />
      ) : (
        <Found frame={frame} effects={effects.value} />
      )}
    </section>
  )
}

function Found({
  frame,
  effects: { found, groups, lists, isWhole },
}: {
  readonly frame: Frame
  readonly effects: Effects
}) {
  const places = lists.map((list) => listTitles[list].toLowerCase()).join(', ')
  const rest = isWhole ? '' : ' There are more groups or messages than that.'
  return (
    <>
      {found.length === 0 ? (
        <p>No message that is still there names this task as its cause.</p>
      ) : (
        <ul class="effects">
          {found.map(({ topic, group, list, entry }) => (
            <li key={`${topic} ${group} ${entry.entryId}`}>
              <a href={linkTo(frame.base, '/message', { topic, group, list, entry: entry.entryId })}>
                <code class="id">{shortened(entry.id, 64)}</code>
              </a>{' '}
              {listTitles[list].toLowerCase()} in <Name text={group} /> of <Name text={topic} />
            </li>
          ))}
        </ul>
      )}
      <p class="hint">
        {`Looked at the first 250 messages of each list (${places}) of ${counted(groups, 'group')}.${rest} What was handled since has left the broker and is unknown.`}
      </p>
    </>
  )
}
