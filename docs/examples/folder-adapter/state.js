/**
 * The state of a message: when it may run, its id, and the number of that run. The name of its file holds all of it, so one
 * rename changes it.
 * @typedef {{ due: number, id: string, attempt: number }} State
 */

/** @param {State} state */
export const nameOf = ({ due, id, attempt }) => `${String(due).padStart(15, '0')}-${id}.${attempt}`

/** Reads the state from a name. A name of another form comes from another program, and its message may run at once. @param {string} name @returns {State} */
export function stateOf(name) {
  const [, due, id, attempt] = /^(\d{15})-([\w-]+)\.(\d{1,9})$/.exec(name) ?? []
  if (due === undefined || id === undefined) return { due: 0, id: name.replace(/[^\w-]/g, '-'), attempt: 1 }
  return { due: Number(due), id, attempt: Number(attempt) }
}

/** Sorts names in the order in which their messages may run. @param {string[]} names */
export const inOrder = (names) =>
  names.map((name) => ({ name, due: stateOf(name).due })).sort((a, b) => a.due - b.due || (a.name < b.name ? -1 : 1))

/** Adds the consumer that claims a message to the name of its file. @param {State} state @param {string} consumer */
export const claimOf = (state, consumer) => `${nameOf(state)}~${consumer}`

/** @param {string} file */
export function claimedBy(file) {
  const at = file.indexOf('~')
  return { state: stateOf(file.slice(0, at)), consumer: file.slice(at + 1) }
}
