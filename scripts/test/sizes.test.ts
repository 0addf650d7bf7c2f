import { describe, expect, it } from 'vitest'
import { folderProblems, functionProblems } from '../lib/sizes.mjs'

const files = (folder: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${folder}/${index}.ts`)
const statements = (count: number): string => 'work()\n'.repeat(count)

describe('a folder', () => {
  it('has at most 20 files of its own', () => {
    expect(folderProblems([...files('src', 20), ...files('src/deep', 20)])).toEqual([])
    expect(folderProblems([...files('src', 1), ...files('src/deep', 21)])).toEqual([
      'src/deep has 21 files; 20 are the limit',
    ])
  })
})

describe('a function', () => {
  it.each([
    ['a declaration', `function long() {\n${statements(149)}}`, 'long has 151 lines'],
    ['an arrow', `const long = () => {\n${statements(149)}}`, 'long has 151 lines'],
    ['a method', `const a = { long() {\n${statements(149)}} }`, 'long has 151 lines'],
    ['a constructor', `class A { constructor() {\n${statements(149)}} }`, 'constructor has 151 lines'],
    ['one with a function inside', `function long() {\nreturn () => {\n${statements(147)}}\n}`, 'long has 151 lines'],
  ])('of more than 150 lines is refused: %s', (_, text, problem) => {
    expect(functionProblems('a.ts', text)).toEqual([`a.ts:1: ${problem}; 150 are the limit`])
  })

  it.each([
    ['of 150 lines', `function a() {\n${statements(148)}}`],
    ['below a long comment', `/**\n${' *\n'.repeat(200)} */\nfunction a() {}`],
    ['of a long class', `class A {\n${'a() {}\n'.repeat(200)}}`],
  ])('is let through: one %s', (_, text) => {
    expect(functionProblems('a.ts', text)).toEqual([])
  })
})
