import { isCanaryId } from '../canary.js'
import { SubjectLost } from '../subject/remote.js'
import type { Letter } from '../subject/sight.js'
import { Broken } from './broken.js'

/** Replays entries of one group, and resolves with how many there were. */
export type Replay = (entryIds: readonly string[]) => Promise<number>

/** How many hostile dead letters are replayed, of those that are whole and of the others. */
const maxHostile = 3

/** The error of a replay that has left entries which the broker cannot take again, and has replayed all others. */
const stayPattern = /(\d+) of the dead letters cannot be replayed, and (\d+) were/

/** Which dead letters are replayed. */
export interface Replayed {
  readonly doomed: readonly Letter[]
  readonly whole: readonly Letter[]
  readonly stubs: readonly Letter[]
}

/** Canaries, and some hostile ones that stay until they are replayed. */
export function chosenFor(letters: readonly Letter[], stays: (letter: Letter) => boolean): Replayed {
  const hostile = letters.filter(stays)
  return {
    doomed: letters.filter(({ id }) => isCanaryId(id)).slice(0, 2),
    whole: hostile.filter(({ wholeAt }) => wholeAt === undefined).slice(0, maxHostile),
    stubs: hostile.filter(({ wholeAt }) => wholeAt !== undefined).slice(0, maxHostile),
  }
}

/** Throws `Broken` if not all that is whole is replayed, or if anything else is not refused by name. */
export async function checkReplay({ doomed, whole, stubs }: Replayed, replay: Replay): Promise<void> {
  const idsOf = (letters: readonly Letter[]): readonly string[] => [...new Set(letters.map(({ entryId }) => entryId))]
  for (const stub of stubs) await checkRefusal(stub, replay)
  const ids = idsOf([...doomed, ...whole])
  const count = await replay(ids).catch((error: Error) => {
    if (error instanceof SubjectLost) throw error
    const [, stayed, others] = stayPattern.exec(error.message) ?? []
    // Canaries can always be replayed, and the round checks that they run.
    if (stayed !== undefined) return Number(stayed) + Number(others)
    throw new Broken('replay', `Replaying ${ids.length} dead letters failed: ${error.message}`)
  })
  if (count < ids.length) throw new Broken('replay', `${count} of ${ids.length} dead letters were replayed`)
}

async function checkRefusal({ entryId, wholeAt = '' }: Letter, replay: Replay): Promise<void> {
  const refusal = await replay([entryId]).then(
    (count) => `${count} were replayed`,
    (error: Error) => {
      if (error instanceof SubjectLost) throw error
      return error.message
    },
  )
  if (!refusal.includes(wholeAt))
    throw new Broken('replay', `The beginning of a message at ${wholeAt} was not refused with that place: ${refusal}`)
}
