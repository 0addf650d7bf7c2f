/**
 * Returns the sentences of a plain text, each with its first line, counted from 0. Paragraphs, list items, headings, cells of a
 * table and tags of a doc comment end a sentence; code blocks have none.
 */
export function sentences(text) {
  return blocks(text).flatMap((block) => {
    const joined = block.lines.join('\n')
    let at = 0
    return splitSentences(joined).map((sentence) => {
      const start = joined.indexOf(sentence, at)
      at = start + sentence.length
      const line = block.line + joined.slice(0, start).split('\n').length - 1
      return { line, text: sentence.replace(/\s+/g, ' ') }
    })
  })
}

/** Counts the words that are read as such: no code, no links, no punctuation. */
export function countWords(sentence) {
  return withoutCode(sentence)
    .replace(/!?\[[^\]]*\](\([^)]*\)|\[[^\]]*\])/g, ' ')
    .replace(/\{@link[^}]*\}/g, ' ')
    .replace(/https?:\/\/\S+/g, ' ')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length
}

export const withoutCode = (text) => text.replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, ' ')

function blocks(text) {
  const found = []
  let open
  let fence
  const close = () => {
    open = undefined
  }
  text.split('\n').forEach((line, index) => {
    const marks = /^\s*(`{3,}|~{3,}|:::)/.exec(line)?.[1]
    if (marks === ':::') {
      close()
      return
    }
    if (fence !== undefined) {
      if (marks?.startsWith(fence)) fence = undefined
      return
    }
    if (marks !== undefined) {
      fence = marks
      close()
      return
    }
    const content = line.trim()
    const isTable = content.startsWith('|')
    if (isTable || content === '' || /^(<[^>]*>|[-=: ]{3,})$/.test(content)) {
      close()
      if (!isTable) return
      for (const cell of content.split(/(?<!\\)\|/)) found.push({ line: index, lines: [cell.trim()] })
      return
    }
    const isHeading = /^#{1,6} /.test(content)
    if (isHeading || /^([-*+]|\d+[.)]|@\w+|>)\s/.test(content)) close()
    if (open === undefined) {
      open = { line: index, lines: [] }
      found.push(open)
    }
    open.lines.push(content.replace(/^(#{1,6}|[-*+]|\d+[.)]|>)\s+/, ''))
    if (isHeading) close()
  })
  return found
}

/** A sentence ends with a mark and a space, but for the abbreviations that have such a mark themselves. */
const splitSentences = (text) =>
  text
    .split(/(?<=[.!?…]["'’”)\]*_`]*)(?<!\b(?:e\.g|i\.e|etc|vs|cf|No)\.)\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')
