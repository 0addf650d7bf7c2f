const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** A duration in a range, behind `offset` or behind `for:`, and the one threshold that is a duration, in seconds. */
const times = /(\[|offset |for: )(\d+)([smh])\b|(oldest_message_age\S* > )(\d+)/g

/**
 * Returns the rules with every time divided by the factor, so that what takes minutes in operation takes seconds in a test. Everything
 * else, the expressions among it, stays as it is.
 */
export function hastened(rules: string, factor: number): string {
  return rules.replace(times, (_, before, count, unit, beforeAge, seconds) =>
    beforeAge === undefined
      ? `${before}${Math.round((Number(count) * (unitMs[unit] ?? 0)) / factor)}ms`
      : `${beforeAge}${Number(seconds) / factor}`,
  )
}

/** Returns the rules without their times, to compare what is left. */
export const withoutTimes = (rules: string): string =>
  rules.replace(/(\[|offset |for: )\d+(ms|[smh])\b/g, '$1').replace(/(oldest_message_age\S* > )[\d.]+/g, '$1')
