const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** Writes a duration for people: `42 s`, `3 min 5 s`, `2 d 4 h`. */
export function shownDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const at = units.findIndex(([, size]) => ms >= size)
  const [name, size] = units[at] ?? units[3]
  const whole = Math.floor(ms / size)
  const next = units[at + 1]
  const rest = next === undefined ? 0 : Math.floor((ms - whole * size) / next[1])
  return next === undefined || rest === 0 || whole >= 10 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${next[0]}`
}

const factors: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Reads a duration such as `90s`, `10 min` or `2h`. Returns undefined if it is none. */
export function readDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^\s*(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h|d)\s*$/.exec(text) ?? []
  const factor = factors[unit]
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor
}
