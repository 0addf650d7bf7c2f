import { describe, expect, it } from 'vitest'
import { codeProblems } from '../lib/english/problems.mjs'
import { countWords, sentences } from '../lib/english/sentences.mjs'
import { commentProblems, pageProblems } from '../lib/english/wording.mjs'

const words = (count: number): string => `${Array.from({ length: count }, () => 'word').join(' ')}.`
const textOf = (problems: readonly { readonly problem: string }[]): string =>
  problems.map(({ problem }) => problem).join('\n')

describe('a comment', () => {
  it.each([
    ['What a topic is called.', 'begins with "What"'],
    ['Whatever it may be.', 'begins with "Whatever"'],
    ['Whoever asks for it waits.', 'begins with "Whoever"'],
    ['Of a topic that is created.', 'begins with "Of"'],
    ['Where it lies.', 'begins with "Where"'],
    ['Which ticks have run.', 'begins with "Which"'],
    ['The limit. 10 s where none is given.', 'Default: X.'],
    ['The limit. 10 s if none is given.', 'Default: X.'],
    ['All of them where no ids are given.', 'Default: X.'],
    ['Waits, lest it is lost.', '"lest"'],
    ['The link mends itself.', '"mends"'],
    ['The group is told of it.', '"told of"'],
    [words(31), '31 words'],
  ])('is refused: %s', (text, problem) => {
    expect(textOf(commentProblems(text))).toContain(problem)
  })

  it.each([
    'Stores the message. What is stored stays.',
    'Often called twice. Default: 10 s.',
    'Wherefrom and Official are words.',
    'Removes all entries if no ids are given.',
    'Throws MQ_X if the topic has no name.',
    'Recommends nothing. The amendment holds.',
    `${words(30)} ${words(30)}`,
    `First\n- ${words(20)}\n- ${words(20)}`,
    `${words(20)}\n\n${words(20)}`,
    `Runs \`${words(40)}\` and {@link ${words(40)}} and [${words(40)}](https://example.com/).`,
    '',
  ])('is let through: %s', (text) => {
    expect(commentProblems(text)).toEqual([])
  })
})

describe('a file of code', () => {
  const problems = (text: string): readonly string[] =>
    codeProblems('a.ts', text).map((problem: string) => problem.replace(/\n[\s\S]*/, ''))

  it('has its comments read, of each kind and with their lines', () => {
    const found = problems(`/** What is first. */
const a = 1 // Of the second.
// Where the third
// is.
const text = \`// What is text \${a /* Which is fourth. */}\`
class A {
  /**
   * Holds a sentence.
   *
   * It has the limit of 5 where none is given.
   */
  b = /\\/\\/ What is a pattern/
  // Whoever stands before the end.
}
`)
    expect(found.map((problem) => /:(\d+): /.exec(problem)?.[1])).toEqual(['1', '2', '3', '5', '10', '13'])
  })

  it('takes line comments below each other for one text', () => {
    expect(problems('// Stores it in the place\n// where it belongs.\n// Of course.\n')).toEqual([])
    expect(problems(`// ${words(20).replace('.', '')}\n// ${words(20)}\n`)).toHaveLength(1)
  })

  it.each([
    'const leastRetryMs = 1',
    'let most = 1',
    'function f(mostWaiting: number) {}',
    'interface A { leastBytes: number }',
    'const a = { mostMs: 1 }',
    'class A { #mostRecords = 1 }',
    'const { most } = limits',
    'const LEAST_MS = 1',
    'const delayLeast = 1',
  ])('says min and max: %s', (text) => {
    expect(textOf(problems(text).map((problem) => ({ problem })))).toContain('min and max')
  })

  it.each([
    'const almost = 1',
    'const mostly = 1',
    'const atLeast = 1',
    'console.log(other.leastMs)',
    'const minRetryMs = 1',
    'import { most } from "elsewhere"',
  ])('is let through: %s', (text) => {
    expect(problems(text)).toEqual([])
  })
})

describe('a page', () => {
  it.each([
    [`# Title\n\n${words(41)}`, '41 words'],
    ['| option | meaning |\n|---|---|\n| `a` | 5 where none is given |', 'Default: X.'],
    ['The link mends itself.', '"mends"'],
  ])('is refused: %s', (text, problem) => {
    expect(textOf(pageProblems(text))).toContain(problem)
  })

  it.each([
    'What is it? A queue.',
    `---\ntitle: ${words(50)}\n---\nText.`,
    `\`\`\`ts\n// ${words(50)}\n\`\`\``,
    `| ${words(30)} | ${words(30)} |`,
    `- ${words(30)}\n- ${words(30)}\n1. ${words(30)}`,
  ])('is let through: %s', (text) => {
    expect(pageProblems(text)).toEqual([])
  })

  it('has the lines of its problems counted from its first line', () => {
    const [first] = pageProblems('---\n"a": patch\n---\n\nA link. It\nmends itself.\n')
    expect(first).toMatchObject({ line: 4, text: 'It mends itself.' })
  })
})

describe('a sentence', () => {
  it('ends at its mark, not at an abbreviation or within a word', () => {
    const texts = sentences(
      'Node 20.19 runs it, e.g. in tests. pnpm too! "Really?" Yes (it does.) 5xx is retried.',
    ).map(({ text }: { readonly text: string }) => text)
    expect(texts).toEqual([
      'Node 20.19 runs it, e.g. in tests.',
      'pnpm too!',
      '"Really?"',
      'Yes (it does.)',
      '5xx is retried.',
    ])
  })

  it('is counted without code, links and dashes', () => {
    expect(countWords('The `code of it` – and [this link](https://example.com) – at https://example.com/x is 3.')).toBe(
      5,
    )
  })
})
