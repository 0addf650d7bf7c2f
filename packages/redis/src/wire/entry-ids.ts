/** Returns the lowest and the highest of some ids, of which there is at least one. */
export function idRange(ids: readonly string[]): [string, string] {
  let low = ids[0] as string
  let high = low
  for (const id of ids) {
    if (isBefore(id, low)) low = id
    if (isBefore(high, id)) high = id
  }
  return [low, high]
}

function isBefore(a: string, b: string): boolean {
  const dash = a.indexOf('-')
  if (a.length === b.length && b[dash] === '-') return a < b
  const [aTime = '', aNumber = ''] = a.split('-')
  const [bTime = '', bNumber = ''] = b.split('-')
  return aTime === bTime ? isSmaller(aNumber, bNumber) : isSmaller(aTime, bTime)
}

/** Compares decimal numbers of up to 20 digits, which a number cannot hold exactly. */
const isSmaller = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length)
