import { execFileSync } from 'node:child_process'
import { exists, readJson, root, workspacePackages } from './workspace.mjs'

/** Lists every Markdown page whose examples are for users, tracked or new, but not ignored. */
export function pages() {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed.split('\0').filter((path) => path !== '' && isPage(path) && exists(path))
}

const isPage = (path) =>
  /^(README|CONTRIBUTING)\.md$/.test(path) ||
  /^(docs|bench|fuzz|release)\/.*\.md$/.test(path) ||
  /^(packages|apps)\/[^/]+\/README\.md$/.test(path)

/** Returns the fenced blocks of a page, each with its language, the words after it, its text, and the first line of its text. */
export function fences(text) {
  const found = []
  let open
  text.split('\n').forEach((line, index) => {
    const fence = /^(\s*)(`{3,}|~{3,})\s*([^\s`]*)\s*([^`]*)$/.exec(line)
    if (open === undefined) {
      if (fence === null) return
      const [, indent, marks, language, words] = fence
      open = { indent, marks, language, words: words.split(/\s+/).filter(Boolean), line: index + 2, lines: [] }
    } else if (fence?.[2].startsWith(open.marks) && fence[3] === '') {
      const { lines, indent, language, words, line: first } = open
      found.push({ language, words, line: first, text: lines.map((each) => withoutIndent(each, indent)).join('\n') })
      open = undefined
    } else open.lines.push(line)
  })
  return found
}

const withoutIndent = (line, indent) => (line.startsWith(indent) ? line.slice(indent.length) : line)

const shellLanguages = ['sh', 'bash', 'shell', 'console', 'zsh']

/** Returns the commands that a page shows: lines of shell blocks, and `code` that begins with npm or pnpm. */
export function commands(text) {
  const blocks = fences(text).filter(({ language }) => shellLanguages.includes(language))
  const shown = blocks.flatMap((block) => block.text.replaceAll('\\\n', ' ').split(/\n|&&|\|\||[;|]/))
  const inline = [...text.matchAll(/(?<!`)`((?:p?npm) [^`\n]+)`(?!`)/g)].map((match) => match[1])
  return [...shown, ...inline].map((command) =>
    command
      .replace(/\s#.*$/, '')
      .replace(/^\s*\$\s+/, '')
      .trim(),
  )
}

/** Returns the package script that a command runs, as `{ name, filter }`, or undefined if it runs none. */
export function scriptOf(command) {
  const [program, ...words] = command.split(/\s+/).filter((word, index) => index > 0 || !/^\w+=/.test(word))
  if (program === 'npm') {
    if (words[0] === 'run') return { name: words.slice(1).find((word) => !word.startsWith('-')) }
    return ['test', 'start'].includes(words[0]) ? { name: words[0] } : undefined
  }
  if (program !== 'pnpm') return undefined
  let filter
  while (words[0]?.startsWith('-') || words[0] === 'run') {
    const option = words.shift()
    if (option === '--filter' || option === '-F') filter = words.shift()
    else if (option.startsWith('--filter=')) filter = option.slice('--filter='.length)
    else if (option === '-r' || option === '--recursive') filter = '*'
  }
  return words.length === 0 || ownCommands.has(words[0]) ? undefined : { name: words[0], filter }
}

const ownCommands = new Set(
  'add ci config create deploy dlx exec i import info init install link list ls outdated pack patch publish remove root store unlink up update version view why'.split(
    ' ',
  ),
)

/** Returns the commands of a page whose script or, with pnpm, whose tool does not exist. */
export function missingScripts(text, has = hasScript) {
  return commands(text).filter((command) => {
    const script = scriptOf(command)
    return script !== undefined && !has(script)
  })
}

function hasScript({ name, filter }) {
  const rootScripts = readJson('package.json').scripts
  if (filter === undefined) return name in rootScripts || exists(`node_modules/.bin/${name}`)
  const wanted = filter.replace(/^\.\.\.|\.\.\.$/g, '')
  return workspacePackages()
    .filter(({ manifest }) => wanted === '*' || manifest.name === wanted)
    .some(({ manifest }) => name in (manifest.scripts ?? {}) || exists(`node_modules/.bin/${name}`))
}
