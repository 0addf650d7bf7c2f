import { linkTo } from '../../http/address.js'
import type { Job } from '../../jobs/jobs.js'
import { counted, shownCount } from '../../text/numbers.js'
import { visible } from '../../text/visible.js'
import type { Cells } from '../cells.js'
import { Token } from '../form-fields.js'
import { type Frame, may } from '../frame.js'
import { Crumbs } from '../group/group.js'
import { Badge, Moment, Name, Unknown } from '../parts.js'

const words = { replay: { begin: 'Replay', done: 'replayed' }, purge: { begin: 'Purge', done: 'purged' } } as const
const kinds = { running: 'plain', done: 'good', stopped: 'warn', failed: 'bad' } as const

/** The parts of an operation's page that change while it is open. */
export const jobCells = (job: Job): Cells => ({ job: <JobProgress job={job} /> })

function JobProgress({ job }: { readonly job: Job }) {
  const { what, done, total, state, problem, isComplete } = job
  return (
    <>
      <p>
        <Badge kind={kinds[state]}>{state}</Badge>{' '}
        <strong>
          {shownCount(done)} {words[what].done}
        </strong>{' '}
        of {total === undefined ? <Unknown why="The number was not known at the beginning" /> : shownCount(total)}
      </p>
      {total === undefined ? null : (
        <progress max={total} value={state === 'done' ? total : Math.min(done, total)} aria-label="Progress" />
      )}
      {problem === undefined ? null : (
        <p class="why">
          {problem.code === undefined ? '' : <code>{problem.code}</code>} {problem.text}
        </p>
      )}
      {state === 'running' ? null : <p class="hint">{ending(job, isComplete)}</p>}
    </>
  )
}

function ending({ state, what }: Job, isComplete: boolean): string {
  if (state === 'done' && isComplete) return 'Every dead letter that was meant is done.'
  if (state === 'done')
    return 'There may be more: it reached its limit, or did not look at all of them. Repeat it for the rest.'
  return `What was not ${words[what].done} is still a dead letter. Repeat it for the rest.`
}

/** A long operation with its progress. */
export function JobPage({ frame, job }: { readonly frame: Frame; readonly job: Job }) {
  const { topic, group, what, by, beganAt, state } = job
  const back = linkTo(frame.base, '/group', { topic, group, list: 'dead' })
  return (
    <>
      <Crumbs frame={frame} topic={topic} />
      <div class="card">
        <h1>{words[what].begin} dead letters</h1>
        <p class="lead">
          Group <Name text={group} /> of <Name text={topic} />, begun <Moment at={beganAt} now={frame.now} />
          {by === undefined ? '' : ` by ${visible(by)}`}. It goes on if you leave this page.
        </p>
        <div id="job" aria-live="polite">
          <JobProgress job={job} />
        </div>
        <div class="row">
          {state === 'running' && may(frame, what) && (
            <form method="post" action={linkTo(frame.base, '/stop')} data-while-running>
              <Token frame={frame} />
              <input type="hidden" name="id" value={job.id} />
              <button type="submit" class="bad">
                Break it off
              </button>
            </form>
          )}
          <a class="button" href={back}>
            Back to the dead letters
          </a>
        </div>
      </div>
    </>
  )
}

/** The operations that run in a group, with links to them. */
export function RunningJobs({ frame, jobs }: { readonly frame: Frame; readonly jobs: readonly Job[] }) {
  const running = jobs.filter(({ state }) => state === 'running')
  return (
    <>
      {running.map(({ id, what, done, total }) => (
        <div class="notice" key={id}>
          {`${words[what].begin} is running: ${counted(done, 'message')}${total === undefined ? '' : ` of ${shownCount(total)}`}. `}
          <a href={linkTo(frame.base, '/job', { id })}>Show it</a>
        </div>
      ))}
    </>
  )
}
