import { searched } from '../broker/letter-filter.js'
import { readOverview } from '../broker/overview.js'
import { sendHtml } from '../http/answer.js'
import { renderPage } from '../views/layout.js'
import { OverviewPage } from '../views/overview/overview.js'
import { type Context, pageIn, type Route } from './context.js'

export const overviewQuery = (query: URLSearchParams) => ({
  find: searched(query.get('find')),
  page: pageIn(query),
})

/** Shows all topics with their groups. */
export const overview: Route = async ({ res, address, frame, parts }: Context) => {
  const query = overviewQuery(address.query)
  const read = await readOverview(parts.groups, query)
  const live = new URLSearchParams({ view: 'overview', find: query.find, page: String(read.page) }).toString()
  const shell = { heading: 'Overview', here: 'overview', live } as const
  const { capabilities } = parts.queue
  sendHtml(
    res,
    200,
    renderPage(frame, shell, <OverviewPage frame={frame} overview={read} capabilities={capabilities} />),
  )
}
