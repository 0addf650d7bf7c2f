import { fateOf, type Said } from './plan.js'

const stored = 1
const ran = 2
const twice = 4
const unknown = 8

/** Keeps which messages were published and handled, with one byte for each. */
export function createAccounts() {
  let marks = new Uint8Array(1 << 16)
  let highest = -1

  const mark = (number: number, bit: number): void => {
    while (number >= marks.length) {
      const larger = new Uint8Array(marks.length * 2)
      larger.set(marks)
      marks = larger
    }
    highest = Math.max(highest, number)
    marks[number] = (marks[number] ?? 0) | bit
  }
  const numbers = (isWanted: (marked: number) => boolean): number[] => {
    const found: number[] = []
    for (let number = 0; number <= highest; number++) if (isWanted(marks[number] ?? 0)) found.push(number)
    return found
  }
  const has = (bits: number) => (marked: number) => (marked & bits) === bits

  return {
    take({ stored: storedNow = [], unknown: unknownNow = [], ran: ranNow = [] }: Said): void {
      for (const number of storedNow) mark(number, stored)
      for (const number of unknownNow) mark(number, unknown)
      for (const number of ranNow) mark(number, ((marks[number] ?? 0) & ran) === 0 ? ran : twice)
    },
    /** Lists messages that were stored and of which no run has ended. */
    missing: (): number[] => numbers((marked) => (marked & (stored | ran)) === stored),
    /** Lists messages that ran although they were refused or never published. */
    unexpected: (): number[] => numbers((marked) => (marked & ran) !== 0 && (marked & (stored | unknown)) === 0),
    /** Lists messages that should be among the dead letters. */
    dead: (): number[] => numbers(has(stored | ran)).filter((number) => fateOf(number) === 'dead'),
    sums: () => ({
      stored: numbers(has(stored)).length,
      unknown: numbers(has(unknown)).length,
      handled: numbers(has(ran)).length,
      twice: numbers(has(twice)).length,
    }),
  }
}
