import { isDeepStrictEqual } from 'node:util'

export interface Edited {
  readonly original: unknown
  /** The original as the editor saw it. */
  readonly shown: unknown
  /** The data that the editor has sent. */
  readonly given: unknown
}

/** Puts back what the editor did not see: each part that stayed as it was shown becomes that of the original again. */
export function restored({ original, shown, given }: Edited): unknown {
  if (isDeepStrictEqual(given, shown)) return original
  if (isRecord(original) && isRecord(shown) && isRecord(given)) {
    return Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        const isKnown = Object.hasOwn(original, name) && Object.hasOwn(shown, name)
        return [name, isKnown ? restored({ original: original[name], shown: shown[name], given: value }) : value]
      }),
    )
  }
  if (Array.isArray(original) && Array.isArray(shown) && Array.isArray(given) && original.length === shown.length) {
    return given.map((value, at) =>
      at < original.length ? restored({ original: original[at], shown: shown[at], given: value }) : value,
    )
  }
  return given
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
