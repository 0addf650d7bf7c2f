import type { ScheduleInfo } from '@mq/core'
import { taskTopic, workersGroup } from '@mq/core/adapter'
import type { Schedules } from '../../broker/schedules.js'
import { linkTo } from '../../http/address.js'
import { shownDuration } from '../../text/durations.js'
import { visible } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Count, Failed, Moment, Name, Notice, Unknown } from '../parts.js'

const elsewhere = 'This process takes no part in the schedule'

/** The schedules, with their rules and their next ticks as far as this process knows them. */
export function SchedulesPage({
  frame,
  schedules: { schedules, problem, isWhole },
}: {
  readonly frame: Frame
  readonly schedules: Schedules
}) {
  const isPartlyKnown = schedules.some(({ info }) => info === undefined)
  return (
    <>
      <div class="title">
        <h1>Schedules</h1>
        <p class="lead">Tasks that are enqueued again and again</p>
      </div>
      {problem && <Failed what="The schedules at the broker could not be listed." problem={problem} />}
      {isPartlyKnown && (
        <Notice>
          Rules and times are kept by the processes that take part in a schedule. Of the others only the name is known
          here.
        </Notice>
      )}
      {!isWhole && problem === undefined && <Notice>There may be more schedules than are shown.</Notice>}
      {schedules.length === 0 ? (
        <p class="empty">No schedule is known.</p>
      ) : (
        <div class="scroll">
          <table class="groups stacks wide">
            <caption class="unseen">Schedules</caption>
            <thead>
              <tr>
                <th scope="col">Schedule</th>
                <th scope="col">Rule</th>
                <th scope="col">Task</th>
                <th scope="col">Next</th>
                <th scope="col">Last</th>
                <th scope="col" class="number">
                  Replicas
                </th>
              </tr>
            </thead>
            <tbody>
              {schedules.map(({ name, info, group }) => (
                <tr key={name}>
                  <th scope="row">
                    <strong>
                      <Name text={name} />
                    </strong>
                  </th>
                  <td data-title="Rule">
                    {info === undefined ? <Unknown why={elsewhere} /> : <Rule rule={info.rule} />}
                  </td>
                  <td data-title="Task">
                    {info === undefined ? (
                      <Unknown why={elsewhere} />
                    ) : (
                      <a href={linkTo(frame.base, '/group', { topic: taskTopic(info.task), group: workersGroup })}>
                        {visible(info.task)}
                      </a>
                    )}
                  </td>
                  <td data-title="Next">{moment(info, info?.next, frame.now)}</td>
                  <td data-title="Last">{moment(info, info?.last, frame.now)}</td>
                  <td class="number" data-title="Replicas">
                    <Count value={group?.consumers} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

function moment(info: ScheduleInfo | undefined, at: Date | undefined, now: number) {
  if (info === undefined) return <Unknown why={elsewhere} />
  return at === undefined ? <span class="none">none</span> : <Moment at={at.getTime()} now={now} />
}

function Rule({ rule }: { readonly rule: ScheduleInfo['rule'] }) {
  if (rule.everyMs === undefined) {
    return (
      <>
        <code>{visible(rule.cron)}</code>
        {` ${visible(rule.timeZone ?? 'UTC')}`}
      </>
    )
  }
  return <>every {shownDuration(rule.everyMs)}</>
}
