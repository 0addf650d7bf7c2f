import { visible } from '../text/visible.js'
import type { GroupState, Groups } from './groups.js'
import { eachOf, type Problem } from './reads.js'

export interface OverviewQuery {
  /** A part of the names of topics, in any case. Empty for all. */
  readonly find: string
  /** Counts from 1. */
  readonly page: number
}

/** A topic with its groups, as the overview lists it. */
export interface TopicState {
  readonly topic: string
  readonly groups: readonly GroupState[]
  readonly ephemeralGroups: number
  readonly problem: Problem | undefined
}

export interface Overview extends OverviewQuery {
  readonly topics: readonly TopicState[]
  /** The number of topics that match. */
  readonly total: number
  readonly pages: number
  /** False if the broker has more topics than the page looks at, or cannot list them. */
  readonly isWhole: boolean
  readonly problem: Problem | undefined
  /** The adapter's own words, if it cannot list topics. */
  readonly refusal: Problem | undefined
}

const topicsPerPage = 25
const atOnce = 8

/** Reads a page of the overview: the names of all topics, and of those on this page the groups and their counts. */
export async function readOverview(groups: Groups, query: OverviewQuery): Promise<Overview> {
  const listed = await groups.topics()
  const wanted = query.find.toLowerCase()
  const names = (listed.value?.names ?? []).filter((name) => visible(name).toLowerCase().includes(wanted))
  const pages = Math.max(1, Math.ceil(names.length / topicsPerPage))
  const page = Math.min(Math.max(1, query.page), pages)
  const shown = names.slice((page - 1) * topicsPerPage, page * topicsPerPage)
  return {
    find: query.find,
    page,
    pages,
    total: names.length,
    isWhole: listed.value?.isWhole === true,
    problem: listed.problem,
    refusal: await groups.refusal(),
    topics: await eachOf(shown, atOnce, (topic) => readTopic(groups, topic)),
  }
}

/** More groups of one topic are counted, but not shown on the overview. */
const maxShown = 20

export async function readTopic(groups: Groups, topic: string): Promise<TopicState> {
  const { value = [], problem } = await groups.groupsOf(topic)
  const lasting = value.filter(({ ephemeral }) => !ephemeral)
  return {
    topic,
    groups: await eachOf(lasting.slice(0, maxShown), atOnce, groups.stateOf),
    ephemeralGroups: value.length - lasting.length,
    problem,
  }
}
