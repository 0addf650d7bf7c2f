import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { configVariables, errorCodes } from '@mq/core'
import Slugger from 'github-slugger'
import { marked, type Token } from 'marked'
import { describe, expect, it } from 'vitest'
import { fences, pages } from '../../scripts/lib/markdown.mjs'
import { exists, publicPackages, readText, root } from '../../scripts/lib/workspace.mjs'
import { shownFile } from './examples.js'

function tokensOf(page: string): readonly Token[] {
  const found: Token[] = []
  marked.walkTokens(marked.lexer(readText(page)), (token) => {
    found.push(token)
  })
  return found
}

const linksOf = (page: string): readonly string[] =>
  tokensOf(page).flatMap((token) => (token.type === 'link' || token.type === 'image' ? token.href : []))

/** As the repository's web view names them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const slugger = new Slugger()
  return new Set(tokensOf(page).flatMap((token) => (token.type === 'heading' ? slugger.slug(token.text) : [])))
}

describe('the pages in the repository', () => {
  it('have no link that leads nowhere, read where they lie', () => {
    const broken = pages().flatMap((page) =>
      linksOf(page)
        .filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(link, page))
        .map((link) => `${page}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  it('lead with relative links to each other, so that they work on the site and off it', () => {
    const absolute = pages().flatMap((page) => linksOf(page).filter((link) => link.startsWith('/')))
    expect(absolute).toEqual([])
  })

  it('have no code that a browser window of 1280 px has to wrap', () => {
    const tooLong = pages()
      .filter((page) => page.startsWith('docs/'))
      .flatMap((page) =>
        fences(readText(page))
          .filter(({ words }) => shownFile(words) === undefined)
          .flatMap(({ line, text }) => longLines(text).map((index) => `${page}:${line + index}`)),
      )
    expect(tooLong).toEqual([])
  })

  /** As many characters as fit, see docs/.vitepress/theme/style.css. */
  const maxCharacters = 120
  const longLines = (text: string): readonly number[] =>
    text.split('\n').flatMap((line, index) => (line.length > maxCharacters ? index : []))

  function leadsSomewhere(link: string, page: string): boolean {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : posix.join(posix.dirname(page), decodeURI(path))
    return exists(target) && (anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor))
  }
})

describe('docs/errors.md', () => {
  const rows = [...readText('docs/errors.md').matchAll(/^\| `(MQ_[A-Z_]+)` \| (.*) \| (.*) \|$/gm)]

  it('has every code of core, in its order, with when it occurs and what to do', () => {
    expect(rows.map(([, code]) => code)).toEqual(errorCodes)
    for (const [, code, when, what] of rows)
      expect([when, what], code).toEqual([expect.stringMatching(/\w.*\.$/), expect.stringMatching(/\w/)])
  })

  it('has every code that a package uses, and none that nobody uses', () => {
    const used = new Set(publicPackages().flatMap(({ folder }) => codesIn(join(root, folder, 'src'))))
    expect([...used].sort()).toEqual(rows.map(([, code]) => code).sort())
  })

  const listOfCodes = join(root, 'packages', 'core', 'src', 'errors.ts')

  function codesIn(folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && join(folder, name) !== listOfCodes)
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/(?<=['"])MQ_[A-Z_]+(?=['"])/g)])
      .map(([code]) => code)
      .filter((code) => !configVariables.includes(code))
  }
})

describe('docs/decisions/README.md', () => {
  it('lists every decision once, by its number and title', () => {
    const files = readdirSync(join(root, 'docs', 'decisions')).filter((name) => name !== 'README.md')
    const listed = [...readText('docs/decisions/README.md').matchAll(/^- (\d{4}): \[(.+)\]\((.+)\)$/gm)]
    expect(listed.map(([, , , file]) => file)).toEqual(files)
    for (const [, number, title, file = ''] of listed) {
      expect(file.slice(0, 4)).toBe(number)
      const [, heading = ''] =
        /^# (?:\d+\. )?(?:(?:Kafka|RabbitMQ): )?(.+)$/m.exec(readText(`docs/decisions/${file}`)) ?? []
      expect(title).toBe(heading.charAt(0).toUpperCase() + heading.slice(1))
    }
  })
})
