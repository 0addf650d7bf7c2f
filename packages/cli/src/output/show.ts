/** Shows a count. One that the broker does not know is never shown as zero. */
export const shownCount = (count: number | undefined): string =>
  count === undefined ? 'unknown' : count.toLocaleString('en-US')

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/** Shows a duration by its two largest units, `2h 5m` for example. */
export function shownDuration(ms: number | undefined): string {
  if (ms === undefined) return 'unknown'
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  const first = units.findIndex(([, size]) => ms >= size)
  let rest = ms
  const parts = units.slice(first, first + 2).map(([unit, size]) => {
    const amount = Math.floor(rest / size)
    rest -= amount * size
    return [amount, unit] as const
  })
  return parts
    .filter(([amount], index) => index === 0 || amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ')
}

/** Shows a point in time in UTC, to the second. */
export function shownTime(time: number | string | Date): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Writes a point in time for programs. Returns null for one that no date holds. */
export function isoTime(time: number): string | null {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
