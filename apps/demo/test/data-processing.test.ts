import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isUnrecoverable } from '@mq/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DataProcessingTask } from '../src/tasks/data-processing.js'
import { contextOf } from './support.js'

async function folderWith(csv: string) {
  const folder = await mkdtemp(join(tmpdir(), 'mq-demo-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const files = { source: join(folder, 'source.csv'), target: join(folder, 'summary.json') }
  await writeFile(files.source, csv)
  const names = async (): Promise<string[]> => (await readdir(folder)).sort()
  return { ...files, folder, names }
}

const failureOf = async (input: { source: string; target: string }, signal?: AbortSignal) =>
  new DataProcessingTask().execute(input, contextOf(signal === undefined ? {} : { signal })).catch((error) => error)

describe('DataProcessingTask', () => {
  it('counts sign-ups by mail domain and country, and rows that have no usable address', async () => {
    const { source, target, names } = await folderWith(
      'name,email,country\nA,a@Example.com,GB\n"B, C",b@example.org,GB\n\nD,d@example.com,FR\nE,nobody,FR\n',
    )
    const result = await new DataProcessingTask().execute({ source, target }, contextOf())
    const summary = JSON.parse(await readFile(target, 'utf8'))
    expect(result).toEqual({ status: 'success', rows: 4, target, summary })
    expect(summary).toEqual({
      rows: 4,
      unusable: 1,
      domains: { 'example.com': 2, 'example.org': 1 },
      countries: { GB: 2, FR: 1 },
    })
    expect(await names()).toEqual(['source.csv', 'summary.json'])
  })

  it('says how far it is', async () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => `P,p${index}@example.com,GB`)
    const { source, target } = await folderWith(`name,email,country\n${rows.join('\n')}\n`)
    const steps: number[] = []
    const progress = (fraction: number): void => void steps.push(fraction)
    await new DataProcessingTask().execute({ source, target }, { ...contextOf(), progress })
    expect(steps).toEqual([...steps].sort((one, other) => one - other))
    expect(steps.length).toBeGreaterThan(100)
    expect(steps[0]).toBeGreaterThan(0)
    expect(steps.at(-1)).toBe(1)
  })

  it('streams a file of many rows', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `P,p${index}@d${index % 3}.example.com,GB`)
    const { source, target } = await folderWith(`name,email,country\n${rows.join('\n')}\n`)
    expect(await new DataProcessingTask().execute({ source, target }, contextOf())).toMatchObject({ rows: 20_000 })
    expect(JSON.parse(await readFile(target, 'utf8')).domains).toEqual({
      'd0.example.com': 6_667,
      'd1.example.com': 6_667,
      'd2.example.com': 6_666,
    })
  })

  it('writes the same when it runs again', async () => {
    const { source, target } = await folderWith('name,email,country\nA,a@example.com,GB\n')
    await new DataProcessingTask().execute({ source, target }, contextOf())
    const first = await readFile(target, 'utf8')
    await new DataProcessingTask().execute({ source, target }, contextOf())
    expect(await readFile(target, 'utf8')).toBe(first)
  })

  it.each([
    ['a file that is not there', async () => (await folderWith('')).folder.concat('/nowhere.csv'), 'ENOENT'],
    ['a folder', async () => (await folderWith('')).folder, 'EISDIR'],
    [
      'a row with too many columns',
      async () => (await folderWith('name,email,country\nA,b@example.com,GB,x\n')).source,
      'Record',
    ],
    [
      'a quote that never ends',
      async () => (await folderWith('name,email,country\n"A,b@example.com,GB\n')).source,
      'Quote',
    ],
    ['other columns', async () => (await folderWith('a,b\n1,2\n')).source, 'needs the columns email and country'],
  ])('gives up on %s', async (_what, sourceOf, text) => {
    const { folder, target, names } = await folderWith('')
    const error = await failureOf({ source: await sourceOf(), target })
    expect(error.message).toContain(text)
    expect(isUnrecoverable(error)).toBe(true)
    expect(await names()).toEqual(['source.csv'])
    expect(folder).not.toBe('')
  })

  it('leaves what was there as it was when it is aborted, and no draft beside it', async () => {
    const { source, target, names } = await folderWith('name,email,country\nA,a@example.com,GB\n')
    await writeFile(target, 'of yesterday')
    const controller = new AbortController()
    const running = failureOf({ source, target }, controller.signal)
    controller.abort()
    const error = await running
    expect(error.name).toBe('AbortError')
    expect(isUnrecoverable(error)).toBe(false)
    expect(await readFile(target, 'utf8')).toBe('of yesterday')
    expect(await names()).toEqual(['source.csv', 'summary.json'])
  })

  it('leaves no draft when the target cannot be replaced, and asks for a retry', async () => {
    const { source, folder, names } = await folderWith('name,email,country\nA,a@example.com,GB\n')
    const target = join(folder, 'summary.json')
    await mkdir(join(target, 'in the way'), { recursive: true })
    const error = await failureOf({ source, target })
    expect(isUnrecoverable(error)).toBe(false)
    expect(['EISDIR', 'ENOTEMPTY', 'EEXIST']).toContain(error.code)
    expect(await names()).toEqual(['source.csv', 'summary.json'])
  })
})
