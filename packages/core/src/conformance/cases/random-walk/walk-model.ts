import assert from 'node:assert/strict'
import { type HandlerContext, type Message, Unrecoverable } from '../../../index.js'
import { sorted } from '../../kit/expect.js'
import { sleep } from '../../kit/wait.js'

/** The possible results of running a message. Each message carries its own. */
export const fates = ['works', 'fails once', 'fails twice', 'always fails', 'is unrecoverable'] as const
export type Fate = (typeof fates)[number]

export interface Planned {
  readonly fate: Fate
  /** The duration of each run. */
  readonly workMs: number
  /** The earliest time of a run, in milliseconds since 1970. */
  readonly dueAt: number
}

export type PublishStatus = 'stored' | 'rejected' | 'unknown'

/** The history of one message in one group. */
interface Story {
  readonly attempts: number[]
  handled: number
  /** The end of its dead letter. `either` if the call failed, because the broker may have carried it out. */
  taken: 'no' | 'replayed' | 'purged' | 'either'
}

export interface WalkModelOptions {
  readonly groups: readonly string[]
  /** The total number of runs that the retry policy allows. */
  readonly attempts: number
  /** Whether every run can be foreseen. Otherwise runs may be repeated, but none may be missing. */
  readonly exact: boolean
  /** Whether attempts may have been counted without a run. */
  readonly skips: boolean
}

/** Records what was published and what was done to it, and knows the expected end of each message in each group. */
export function createWalkModel({ groups, attempts, exact, skips }: WalkModelOptions) {
  const published = new Map<string, Planned & { status: PublishStatus | undefined }>()
  const stories = new Map<string, Story>()
  const wrong: string[] = []

  const storyOf = (group: string, id: string): Story => {
    const key = `${group} ${id}`
    const found = stories.get(key) ?? { attempts: [], handled: 0, taken: 'no' }
    stories.set(key, found)
    return found
  }
  const dies = ({ fate }: Planned): boolean => fate === 'always fails' || fate === 'is unrecoverable'
  const isToBeHandled = (story: Story, planned: Planned): boolean => !dies(planned) || story.taken === 'replayed'
  const stored = () => [...published].filter(([, { status }]) => status === 'stored')

  /** Returns the expected attempts in one group, including those after a replay. */
  const foreseen = ({ fate }: Planned, { taken }: Story): readonly number[] => {
    const failures = { works: 0, 'fails once': 1, 'fails twice': 2, 'always fails': attempts, 'is unrecoverable': 1 }[
      fate
    ]
    const first = Math.min(attempts, fate === 'is unrecoverable' ? 1 : failures + 1)
    const runs = Array.from({ length: first }, (_, index) => index + 1)
    return taken === 'replayed' ? [...runs, 1] : runs
  }

  return {
    plan: (id: string, planned: Planned): void => void published.set(id, { ...planned, status: undefined }),
    settle(id: string, status: PublishStatus): void {
      const planned = published.get(id)
      if (planned !== undefined) published.set(id, { ...planned, status })
    },
    take: (group: string, id: string, taken: Story['taken']): void => {
      storyOf(group, id).taken = taken
    },
    /** Returns whether the message was already replayed or purged. */
    isTaken: (group: string, id: string): boolean => storyOf(group, id).taken !== 'no',

    handlerOf:
      (group: string) =>
      async (message: Message, { signal }: HandlerContext) => {
        const planned = published.get(message.id)
        if (planned === undefined) {
          wrong.push(`${group} got ${message.id}, which was not published`)
          return
        }
        const story = storyOf(group, message.id)
        story.attempts.push(message.attempt)
        if (Date.now() < planned.dueAt)
          wrong.push(`${message.id} ran ${planned.dueAt - Date.now()} ms early in ${group}`)
        await sleep(planned.workMs)
        if (signal.aborted) throw signal.reason
        const isForgiven = story.taken === 'replayed' || story.taken === 'either'
        const failures = {
          works: 0,
          'fails once': 1,
          'fails twice': 2,
          'always fails': Infinity,
          'is unrecoverable': 0,
        }
        if (!isForgiven && planned.fate === 'is unrecoverable') throw new Unrecoverable('on purpose')
        if (!isForgiven && message.attempt <= failures[planned.fate]) throw new Error('on purpose')
        story.handled += 1
      },

    /** Returns the messages that still have to be handled. */
    missing: (): readonly string[] =>
      groups.flatMap((group) =>
        stored().flatMap(([id, planned]) => {
          const story = storyOf(group, id)
          return isToBeHandled(story, planned) && story.handled === 0 ? [`${id} (${planned.fate}) in ${group}`] : []
        }),
      ),
    runs: (): number => [...stories.values()].reduce((sum, story) => sum + story.attempts.length, 0),

    /** Returns the ids of the expected dead letters of a group. */
    deadOf: (group: string): readonly string[] =>
      stored().flatMap(([id, planned]) => (dies(planned) && storyOf(group, id).taken === 'no' ? [id] : [])),

    /** Throws if anything differs from what is expected. `dead` has the ids of each group's dead letters. */
    check(dead: ReadonlyMap<string, readonly string[]>): void {
      assert.deepEqual(wrong, [])
      for (const group of groups) {
        const found = dead.get(group) ?? []
        for (const [id, planned] of published) {
          const story = storyOf(group, id)
          const name = `${id} (${planned.fate}, dead letter taken: ${story.taken}) in ${group}`
          if (planned.status === 'rejected')
            assert.deepEqual(story.attempts, [], `the attempts of ${name}, whose publish was rejected`)
          if (!isToBeHandled(story, planned) && story.taken !== 'either') {
            assert.equal(story.handled, 0, `how often ${name} was handled`)
          }
          if (!dies(planned)) assert.ok(!found.includes(id), `${name} is a dead letter`)
          const runs = foreseen(planned, story)
          if (exact && skips) assertSome(story.attempts, runs, `the attempts of ${name}`)
          else if (exact) assert.deepEqual(story.attempts, runs, `the attempts of ${name}`)
        }
        const wanted = this.deadOf(group)
        if (exact) assert.deepEqual(sorted(found), sorted(wanted), `the dead letters of ${group}`)
        else
          assert.deepEqual(
            wanted.filter((id) => !found.includes(id)),
            [],
            `missing dead letters of ${group}`,
          )
      }
    },
    /** Returns how many times messages were handled more than once, in all groups together. */
    surplus: (): number => [...stories.values()].reduce((sum, { handled }) => sum + Math.max(0, handled - 1), 0),
  }
}

/** Checks that there are no more attempts than foreseen, and that their numbers rise until a replay. */
function assertSome(attempts: readonly number[], foreseen: readonly number[], what: string): void {
  const replays = (runs: readonly number[]): number => runs.filter((run, index) => run <= (runs[index - 1] ?? 0)).length
  const isFine = attempts.length > 0 && attempts.length <= foreseen.length && replays(attempts) <= replays(foreseen)
  if (!isFine) assert.deepEqual(attempts, foreseen, what)
}

export type WalkModel = ReturnType<typeof createWalkModel>
