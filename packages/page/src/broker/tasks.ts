import type { FinishedTask, Queue, TaskProgress, TaskScheduler } from '@mq/core'
import { taskTopic, workersGroup } from '@mq/core/adapter'
import type { Hide } from '../hiding/hider.js'
import { deadEntry, type Entry, type Place, waitingEntry } from './entries.js'
import { type ListName, listNames } from './lists.js'
import type { Reading, Reads } from './reads.js'

/** A task as far as its store and its message tell. */
export interface TaskState {
  readonly id: string
  /** The name of the task. Undefined if nobody has said it. */
  readonly task: string | undefined
  /** How it has ended. Undefined inside if it has not, or if the store does not know it. */
  readonly finished: Reading<ShownFinish | undefined>
  readonly progress: Reading<TaskProgress | undefined>
  /** Its message, while it waits, runs or is dead. Undefined inside if it is not found. */
  readonly message: Reading<FoundTask | undefined>
}

export interface FoundTask {
  readonly list: ListName
  readonly entry: Entry
  /** The page of the list that has it. */
  readonly page: Readonly<Record<string, string | undefined>>
}

/** How a task has ended, without what nobody may see. */
export type ShownFinish = FinishedTask & { readonly isHidden: boolean }

export interface TaskParts {
  readonly queue: Queue
  readonly scheduler: TaskScheduler | undefined
  readonly reads: Reads
  readonly hide: Hide
  /** True if the application hides parts of data. */
  readonly isRedacting: boolean
}

const maxLooked = 1_000
const perPage = 250

/** Reads a task. Without a scheduler only its message is known. */
export async function readTask(parts: TaskParts, id: string, given: string | undefined): Promise<TaskState> {
  const ended = await readEnd(parts, id)
  const task = given ?? (ended.value !== undefined && 'task' in ended.value ? ended.value.task : undefined)
  const place = task === undefined ? undefined : { topic: taskTopic(task), group: workersGroup }
  const message: Reading<FoundTask | undefined> =
    place === undefined ? { value: undefined } : await parts.reads.read(() => findMessage(parts, place, id))
  // A text has no fields that could be hidden one by one. It may repeat what the input says.
  const isTextHidden = parts.isRedacting && message.value?.entry.isHidden !== false
  const options = { ...parts, task, isTextHidden }
  return { id, task, message, finished: shownEnd(ended, options), progress: await readSteps(parts, id, isTextHidden) }
}

/** Reads how far a task is from the store alone, which is cheap enough to be repeated. */
export async function readProgress(
  parts: TaskParts,
  id: string,
  task: string | undefined,
): Promise<Pick<TaskState, 'finished' | 'progress'>> {
  const { isRedacting } = parts
  const finished = shownEnd(await readEnd(parts, id), { ...parts, task, isTextHidden: isRedacting })
  return { finished, progress: await readSteps(parts, id, isRedacting) }
}

async function readEnd({ scheduler, reads }: TaskParts, id: string): Promise<Reading<FinishedTask | undefined>> {
  return scheduler === undefined ? noScheduler : reads.read(() => scheduler.result(id))
}

const shownEnd = (ended: Reading<FinishedTask | undefined>, options: ShowOptions): TaskState['finished'] =>
  ended.problem === undefined ? { value: shownFinish(ended.value, options) } : ended

async function readSteps(
  { scheduler, reads }: TaskParts,
  id: string,
  isTextHidden: boolean,
): Promise<TaskState['progress']> {
  if (scheduler === undefined) return noScheduler
  const progress = await reads.read(() => scheduler.progress(id))
  return progress.value === undefined ? progress : { value: shownProgress(progress.value, isTextHidden) }
}

const noScheduler = { problem: { code: undefined, text: 'The application has given the page no scheduler.' } }
const mark = '•••'

const shownProgress = (progress: TaskProgress, isTextHidden: boolean): TaskProgress =>
  isTextHidden && progress.note !== undefined ? { ...progress, note: mark } : progress

interface ShowOptions {
  readonly hide: Hide
  readonly task: string | undefined
  readonly isTextHidden: boolean
}

function shownFinish(
  finished: FinishedTask | undefined,
  { hide, task, isTextHidden }: ShowOptions,
): ShownFinish | undefined {
  if (finished === undefined) return undefined
  if (finished.status === 'cancelled') return { ...finished, isHidden: false }
  if (finished.status === 'failed') {
    const failure = isTextHidden ? { ...finished.failure, message: mark } : finished.failure
    return { ...finished, failure, isHidden: isTextHidden }
  }
  const { data, isHidden } = hide(finished.result ?? null, taskTopic(task ?? finished.task))
  return { ...finished, result: data, isHidden }
}

/** Looks for the message of a task in the lists of its workers, each up to a limit. */
async function findMessage({ queue, hide }: TaskParts, place: Place, id: string): Promise<FoundTask | undefined> {
  for (const list of listNames) {
    const found =
      list === 'dead' ? await findDead(queue, place, id, hide) : await findWaiting(queue, place, { list, id, hide })
    if (found !== undefined) return found
  }
  return undefined
}

async function findDead(queue: Queue, place: Place, id: string, hide: Hide): Promise<FoundTask | undefined> {
  const [letter] = await queue.deadLetters(place.topic, place.group).list({ limit: 1, where: { id } })
  return letter && { list: 'dead', entry: deadEntry(letter, place, hide), page: {} }
}

interface Wanted {
  readonly list: Exclude<ListName, 'dead'>
  readonly id: string
  readonly hide: Hide
}

async function findWaiting(queue: Queue, place: Place, { list, id, hide }: Wanted): Promise<FoundTask | undefined> {
  const { listsWaiting, listsInFlight } = queue.capabilities
  if (!(list === 'inFlight' ? listsInFlight : listsWaiting)) return undefined
  let after: string | undefined
  for (let looked = 0; looked < maxLooked; looked += perPage) {
    const page = await queue
      .waiting(place.topic, place.group)
      .list({ state: list, limit: perPage, ...(after !== undefined && { after }) })
    const one = page.items.find(({ message }) => message.id === id)
    if (one !== undefined) return { list, entry: waitingEntry(one, place, hide), page: { after } }
    after = page.next
    if (after === undefined) return undefined
  }
  return undefined
}
