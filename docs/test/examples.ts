import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fences, pages } from '../../scripts/lib/markdown.mjs'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where examples are compiled and run: inside `docs`, so that they find what a user has installed. */
export const workshop = join(root, 'docs', '.examples')

/** A block of TypeScript on a page. */
export interface Example {
  /** The page and the line on which the code begins, as `README.md:12`. */
  readonly place: string
  /** The code, moved down so that its line numbers are those of the page. */
  readonly source: string
  /** Its file in the workshop, without the ending. */
  readonly file: string
  readonly language: string
  /** Whether it is marked `no-run`. */
  readonly isRun: boolean
}

/** A block that begins with `js examples/...` shows a whole file, which is tested where it lies. */
export const shownFile = (words: readonly string[]): string | undefined =>
  words.find((word) => word.startsWith('examples/'))

const languages = ['ts', 'typescript', 'mts', 'js', 'javascript', 'mjs', 'tsx', 'jsx']

/** Run by the package's own tests: its examples start brokers, and it is TypeScript that nobody builds. */
const elsewhere = ['packages/test-brokers/README.md']

export function findExamples(): readonly Example[] {
  const here = pages().filter((page) => !elsewhere.includes(page))
  return here.flatMap((page) =>
    fences(readFileSync(join(root, page), 'utf8'))
      .filter(({ language, words }) => languages.includes(language) && shownFile(words) === undefined)
      .map(({ language, words, line, text }) => ({
        place: `${page}:${line}`,
        source: '\n'.repeat(line - 1) + text,
        file: join(workshop, `${page.replaceAll(/[^\w.]/g, '-').replace(/\.md$/, '')}-${line}`),
        language,
        isRun: !words.includes('no-run'),
      })),
  )
}
