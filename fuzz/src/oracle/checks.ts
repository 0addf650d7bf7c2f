import type { Arena } from '../arena.js'
import type { Letter, Sight } from '../subject/sight.js'
import { Broken, type OracleName } from './broken.js'
import type { Ledger } from './ledger.js'

const mebibyte = 1024 * 1024
/** On top of what handlers have to hold. */
export const spareBytes = 300 * mebibyte
/** By the contract of `RawMessage`. */
const maxIdBytes = 255
const eventsPerSecond = 5
const eventsPerEntry = 3
const freeEvents = 20

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlCharacters = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|\nforged/

export interface Limits {
  readonly secrets: readonly string[]
  readonly maxBytes: number
  /** Oracles that say nothing. */
  readonly without: readonly OracleName[]
}

/** Throws `Broken` for what may never be, whenever it is asked. */
export function checkAlways(ledger: Ledger, limits: Limits): void {
  const [uncaught] = ledger.uncaught
  if (uncaught !== undefined) throw new Broken('uncaught', uncaught)
  const raised = ledger.raisedCanaries()
  if (raised.length > 0) throw new Broken('canary attempts', `Canaries lost attempts to others: ${some(raised)}`)
  const dead = ledger.deadCanaries()
  if (dead.length > 0) throw new Broken('canary dead', `Canaries are dead letters: ${some(dead)}`)
  const storms = ledger.storms()
  if (storms.length > 0) throw new Broken('entry repeated', some(storms))
  if (ledger.peakBytes > limits.maxBytes && !limits.without.includes('memory')) {
    const [peak, most] = [ledger.peakBytes, limits.maxBytes].map((bytes) => Math.round(bytes / mebibyte))
    throw new Broken('memory', `${peak} MiB were resident; ${most} MiB are allowed`)
  }
  checkSecrets(ledger, limits.secrets)
  if (!limits.without.includes('text')) checkTexts(ledger)
  if (!limits.without.includes('id')) checkIds(ledger)
}

const failureText = ({ failure }: Letter): string =>
  `dead letter: ${failure.error.name}: ${failure.error.message} ${failure.error.code ?? ''}`

/** The subject looks for passwords itself, in everything that an application can print of an error, an event or a line of a log. */
function checkSecrets(ledger: Ledger, secrets: readonly string[]): void {
  const texts = [...ledger.texts, ...[...ledger.letters.values()].map(failureText)]
  const shown = ledger.leaks[0] ?? texts.find((text) => secrets.some((secret) => text.includes(secret)))
  if (shown !== undefined) throw new Broken('secret', `The password is shown: ${JSON.stringify(shown.slice(0, 300))}`)
}

function checkTexts(ledger: Ledger): void {
  for (const text of ledger.texts) checkText(text)
  for (const letter of ledger.letters.values()) {
    const { name, message, code = '' } = letter.failure.error
    checkText(`dead letter: ${name}: ${code}`, letter.id)
    // The text of an error may have several lines.
    checkText(message.replaceAll(/[\n\t]/g, ' '), letter.id)
  }
}

function checkIds(ledger: Ledger): void {
  for (const { idBytes, topic } of [...ledger.sightings, ...ledger.letters.values()]) {
    if (idBytes > maxIdBytes)
      throw new Broken('id', `A message of ${topic} has an id of ${idBytes} bytes; the contract says ${maxIdBytes}`)
  }
}

function checkText(text: string, of?: string): void {
  const shown = `${JSON.stringify(text.slice(0, 300))}${of === undefined ? '' : ` of ${JSON.stringify(of.slice(0, 80))}`}`
  if (controlCharacters.test(text)) throw new Broken('text', `A text has raw control characters: ${shown}`)
}

/** Throws `Broken` when errors are told of so often that only a loop can be the cause. */
export function checkEvents(ledger: Ledger, elapsedMs: number): void {
  const most = freeEvents + eventsPerEntry * ledger.written.length + (eventsPerSecond * elapsedMs) / 1_000
  if (ledger.eventCount <= most) return
  const last = JSON.stringify(ledger.texts.at(-1)?.slice(0, 200))
  throw new Broken('hot loop', `${ledger.eventCount} events in ${Math.round(elapsedMs)} ms, the last one ${last}`)
}

/** Undefined when all is well. */
export function illness({ health }: Sight, arena: Arena): string | undefined {
  if (health.status !== 'up')
    return `health() says ${health.status}${health.lastError === undefined ? '' : ` (${health.lastError})`}`
  const others = health.consumers.filter((one) => !one.endsWith(' consuming'))
  if (others.length > 0) return `health() says ${some(others)}`
  const missing = [arena.topic, arena.innocent].filter(
    (topic) => !health.consumers.some((one) => one.startsWith(`${topic} `)),
  )
  return missing.length > 0 ? `health() does not know a consumer of ${some(missing)}` : undefined
}

export const some = (list: readonly string[]): string =>
  `${list.slice(0, 5).join('; ')}${list.length > 5 ? ` and ${list.length - 5} more` : ''}`
