/**
 * Control characters, separators of lines, and marks that change the direction of text or have no width. A terminal obeys them, so a
 * message could clear the screen or show another id than it has.
 */
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

const loneSurrogates = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Escapes what a terminal would act upon. */
export const safeText = (text: string): string => text.replace(unsafe, escaped).replace(loneSurrogates, escaped)

/** Does the same, but keeps the line breaks of a text that has several lines. */
export const safeLines = (text: string): string =>
  text
    .replace(/\r?\n/g, '\n')
    .split('\n')
    .map((line) => safeText(line.replaceAll('\t', '  ')))
    .join('\n')

/** Writes a value as JSON on one line. The same characters are escaped, which JSON allows everywhere in a string. */
export const safeJson = (value: unknown): string => safeText(JSON.stringify(value ?? null))

/** Cuts a text for a column, without halving a character. */
export function shortened(text: string, maxLength: number): string {
  const safe = safeText(text.length > maxLength * 2 ? text.slice(0, maxLength * 2) : text)
  if (safe.length <= maxLength && text.length <= maxLength * 2) return safe
  return `${safe.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
