const format = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** Writes a count with separators: `1,204,377`. */
export const shownCount = (count: number): string => format.format(count)

/** Writes a count with its noun: `1 message`, `12 messages`. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${shownCount(count)} ${count === 1 ? one : several}`

/** Writes how fast a count changes: `+3.2/s`, `−12/min`. */
export function shownRate(perSecond: number): string {
  const size = Math.abs(perSecond)
  if (size < 0.5 / 60) return 'steady'
  const sign = perSecond < 0 ? '−' : '+'
  if (size >= 1) return `${sign}${size >= 10 ? Math.round(size) : size.toFixed(1)}/s`
  return `${sign}${Math.max(1, Math.round(size * 60))}/min`
}
