import ts from 'typescript'

/**
 * Every comment of a TypeScript or JavaScript file: its first line and its text without the marks.
 * Line comments below each other are one comment.
 */
export function comments(source) {
  const { text } = source
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line + 1
  const found = []
  for (const { pos, end, kind } of commentRanges(source)) {
    const line = lineOf(pos)
    const raw = text.slice(pos, end)
    if (kind === ts.SyntaxKind.MultiLineCommentTrivia) {
      found.push({ line, text: withoutStars(raw) })
      continue
    }
    const isOwnLine = text.slice(text.lastIndexOf('\n', pos) + 1, pos).trim() === ''
    const words = raw.replace(/^\/{2,}\s?/, '')
    const last = found.at(-1)
    if (isOwnLine && last?.nextLine === line) {
      last.text += `\n${words}`
      last.nextLine = line + 1
    } else found.push({ line, text: words, nextLine: isOwnLine ? line + 1 : undefined })
  }
  return found.map(({ line, text: words }) => ({ line, text: words }))
}

const withoutStars = (raw) =>
  raw
    .replace(/^\/\*+/, '')
    .replace(/\*+\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
    .replace(/^\s*\n/, '\n')

/** Comments belong to tokens in the compiler's tree, so each token is asked for those around it. */
function commentRanges(source) {
  const { text } = source
  const ranges = new Map()
  const add = (list) => {
    for (const range of list ?? []) ranges.set(range.pos, range)
  }
  const visit = (node) => {
    if (ts.isJSDoc(node)) return
    const children = node.getChildren(source)
    if (children.length > 0) {
      for (const child of children) visit(child)
      return
    }
    add(ts.getLeadingCommentRanges(text, node.getFullStart()))
    // The tail of a template is followed by text, not by comments.
    if (node.kind !== ts.SyntaxKind.TemplateHead && node.kind !== ts.SyntaxKind.TemplateMiddle)
      add(ts.getTrailingCommentRanges(text, node.getEnd()))
  }
  visit(source)
  return [...ranges.values()].sort((a, b) => a.pos - b.pos)
}
