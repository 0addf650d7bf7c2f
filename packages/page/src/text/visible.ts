/**
 * Control characters, separators of lines, and marks that change the direction of text or have no width. A browser hides them, so a
 * message could show another id than it has.
 */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

const loneSurrogates = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Writes what a browser would not show as an escape. The markup is escaped where the text is rendered. */
export const visible = (text: string): string => text.replace(unseen, escaped).replace(loneSurrogates, escaped)

/** Does the same, but keeps the line breaks of a text that has several lines. */
export const visibleLines = (text: string): string =>
  text
    .replace(/\r?\n/g, '\n')
    .split('\n')
    .map((line) => visible(line.replaceAll('\t', '  ')))
    .join('\n')

/** Cuts a text for a table, without halving a character. */
export function shortened(text: string, maxLength: number): string {
  const safe = visible(text.slice(0, maxLength * 2))
  if (safe.length <= maxLength && text.length <= maxLength * 2) return safe
  return `${safe.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
