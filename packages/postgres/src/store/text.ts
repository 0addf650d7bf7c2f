/** A text of PostgreSQL holds no NUL, so it is escaped, and what escapes it. */
export const storedText = (text: string): string =>
  text.replace(/[\\\0]/g, (found) => (found === '\\' ? '\\\\' : '\\0'))

/** Returns what `storedText` was given. */
export const textOfStored = (text: string): string =>
  text.replace(/\\([\\0])/g, (_, found: string) => (found === '\\' ? '\\' : '\0'))
