import type { MarkdownRenderer } from 'vitepress'

/** Longer ones than any name would make a page wider than a telephone. */
const maxLength = 36

/** Marks `code` without a space with the class `name`, which styles keep on one line. */
export function markNames(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('names', ({ tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const isName = token.type === 'code_inline' && token.content.length <= maxLength && !/\s/.test(token.content)
      if (isName) token.attrJoin('class', 'name')
    }
  })
}
