import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type RetryOptions, type Task, type TaskContext, Unrecoverable } from '@mq/core'
import { CsvError, parse } from 'csv-parse'
import { z } from 'zod'

const dataProcessingInput = z.object({ source: z.string().min(1), target: z.string().min(1) })
export type DataProcessingInput = z.infer<typeof dataProcessingInput>

export interface DataProcessingResult {
  readonly status: 'success'
  readonly rows: number
  readonly target: string
  readonly summary: Summary
}

/** The contents of the target, as JSON. */
export interface Summary {
  readonly rows: number
  /** Rows without a usable mail address. No other count includes them. */
  readonly unusable: number
  /** Sign-ups per mail domain, the largest number first. */
  readonly domains: Readonly<Record<string, number>>
  /** Sign-ups per country, the largest number first. */
  readonly countries: Readonly<Record<string, number>>
}

/**
 * Counts the sign-ups of a CSV file, reports its progress, writes a summary and returns it. The file is streamed, so it may be larger
 * than memory. The target is replaced as a whole or not at all, and a second run writes the same. A missing file, or a file that is
 * not such a CSV, is a permanent failure.
 */
export class DataProcessingTask implements Task<DataProcessingInput, DataProcessingResult> {
  readonly name = 'data-processing'
  readonly input = dataProcessingInput
  readonly retry: RetryOptions
  readonly timeoutMs = 60_000

  constructor(options: { readonly retry?: RetryOptions } = {}) {
    this.retry = options.retry ?? {}
  }

  async execute({ source, target }: DataProcessingInput, context: TaskContext): Promise<DataProcessingResult> {
    const { signal } = context
    const summary = await summarise(source, context).catch((error: unknown) => {
      throw isPermanent(error) ? new Unrecoverable((error as Error).message, { cause: error }) : error
    })
    await writeWhole(target, `${JSON.stringify(summary, undefined, 2)}\n`, signal)
    context.progress(1, `${summary.rows} rows`)
    return { status: 'success', rows: summary.rows, target, summary }
  }
}

const address = z.email()
const rowsPerStep = 10

async function summarise(source: string, { signal, progress }: TaskContext): Promise<Summary> {
  const { size } = await stat(source)
  const file = createReadStream(source)
  let rows = 0
  let unusable = 0
  const domains = new Map<string, number>()
  const countries = new Map<string, number>()
  const csv = parse({ columns: true, bom: true, skip_empty_lines: true, trim: true })
  const count = async (records: AsyncIterable<Record<string, string>>): Promise<void> => {
    for await (const { email, country } of records) {
      if (email === undefined || country === undefined) {
        throw new Unrecoverable(`${source} needs the columns email and country`)
      }
      rows += 1
      // The last part of the progress is for writing the file.
      if (rows % rowsPerStep === 0) progress(Math.min(0.99, file.bytesRead / size), `${rows} rows`)
      if (address.safeParse(email).success) {
        increment(domains, email.slice(email.lastIndexOf('@') + 1).toLowerCase())
        increment(countries, country)
      } else {
        unusable += 1
      }
    }
  }
  await pipeline(file, csv, count, { signal })
  return { rows, unusable, domains: largestFirst(domains), countries: largestFirst(countries) }
}

/** Writes a file beside the target and renames it: a rename is atomic only within one file system. */
async function writeWhole(target: string, text: string, signal: AbortSignal): Promise<void> {
  const draft = `${target}.${crypto.randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx')
    try {
      await file.writeFile(text, { signal })
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

const increment = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

const largestFirst = (counts: Map<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a, one], [b, other]) => other - one || a.localeCompare(b)))

function isPermanent(error: unknown): boolean {
  return error instanceof CsvError || ['ENOENT', 'EISDIR', 'EACCES'].includes((error as { code?: string }).code ?? '')
}
