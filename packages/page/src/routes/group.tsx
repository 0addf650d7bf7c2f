import type { Place } from '../broker/entries.js'
import { readFilter, searched } from '../broker/letter-filter.js'
import { isState, type ListName, listNamed } from '../broker/lists.js'
import { sendHtml } from '../http/answer.js'
import { visible } from '../text/visible.js'
import { chartSamples } from '../views/chart.js'
import { Done } from '../views/done.js'
import { GroupPage } from '../views/group/group.js'
import { GroupControls } from '../views/group/group-controls.js'
import { LetterList } from '../views/group/letter-list.js'
import { WaitingList } from '../views/group/waiting-list.js'
import { RunningJobs } from '../views/jobs/job.js'
import { renderPage } from '../views/layout.js'
import { type Context, pageIn, placeIn, type Route, textIn } from './context.js'

/** Shows a group with one of its lists. */
export const group: Route = async (context: Context) => {
  const { res, address, frame, parts } = context
  const place = placeIn(address.query)
  const state = await parts.groups.find(place.topic, place.group)
  // Somebody who opens a group wants to see what died, or else what waits.
  const list = listNamed(address.query.get('list')) ?? ((state.stats.value?.dead ?? 0) > 0 ? 'dead' : 'ready')
  const capabilities = capabilitiesFor(context, place)
  const live = new URLSearchParams({ view: 'group', ...place }).toString()
  const shell = { heading: `${visible(place.group)} of ${visible(place.topic)}`, here: 'other', live } as const
  const content = (
    <GroupPage
      frame={frame}
      group={state}
      list={list}
      samples={chartSamples(parts.groups.samplesOf(place.topic, place.group))}
      notes={
        <>
          <Done query={address.query} />
          <RunningJobs frame={frame} jobs={parts.jobs.of(place)} />
        </>
      }
      controls={<GroupControls frame={frame} group={state} capabilities={capabilities} />}
    >
      {await openList(context, place, list)}
    </GroupPage>
  )
  sendHtml(res, 200, renderPage(frame, shell, content))
}

async function openList(context: Context, place: Place, list: ListName) {
  const { address, frame, parts } = context
  if (!isState(list)) {
    const filter = readFilter(address.query)
    const reading = await parts.letters.list(place, filter, pageIn(address.query))
    return <LetterList frame={frame} place={place} filter={filter} reading={reading} />
  }
  const query = { state: list, after: textIn(address.query, 'after'), text: searched(address.query.get('text')) }
  const capabilities = capabilitiesFor(context, place)
  const isAble = list === 'inFlight' ? capabilities.listsInFlight : capabilities.listsWaiting
  const unasked = { problem: { code: undefined, text: '' } }
  const reading = isAble ? await parts.waiting.list(place, query) : unasked
  return <WaitingList frame={frame} place={place} query={query} reading={reading} capabilities={capabilities} />
}

/** A name that the adapter refuses has the capabilities of all others. The reads say what is wrong with it. */
export function capabilitiesFor({ parts: { queue } }: Context, { topic }: Place) {
  try {
    return queue.capabilitiesOf(topic)
  } catch {
    return queue.capabilities
  }
}
