import { open, writeFile } from 'node:fs/promises'

/** All work on files shares four threads, and to sync takes long: two of them stay free for the rest. */
const atATime = 2
let syncing = 0
/** @type {(() => void)[]} */
const queue = []

/** @param {() => Promise<void>} work */
async function inTurn(work) {
  if (syncing === atATime) await new Promise((resolve) => queue.push(() => resolve(undefined)))
  else syncing += 1
  try {
    await work()
  } finally {
    const next = queue.shift()
    if (next === undefined) syncing -= 1
    else next()
  }
}

/** What it resolves for would survive a power failure. @param {string} path @param {string | Uint8Array} content */
export const writeSynced = (path, content) => inTurn(() => writeFile(path, content, { flush: true }))

/** The rounds that have not begun yet. @type {Map<string, Promise<void>>} */
const rounds = new Map()

/** Resolves once what is in the folder now would survive a power failure. Who asks before it has begun shares the round. */
export function syncFolder(/** @type {string} */ folder) {
  const found = rounds.get(folder)
  if (found !== undefined) return found
  const round = inTurn(async () => {
    rounds.delete(folder)
    const handle = await open(folder)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
  rounds.set(folder, round)
  return round
}
