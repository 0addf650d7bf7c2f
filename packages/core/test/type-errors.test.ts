import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const require = createRequire(import.meta.url)
const packageFolder = fileURLToPath(new URL('..', import.meta.url))

const head = `
import { defineEvent, type Message, type Queue } from '${packageFolder}src/index.js'
declare const queue: Queue
const userCreated = defineEvent<{ userId: string; age: number }>('user.created')
`

/** The five commonest mistakes, each with the reason that the compiler has to show, and another way to make it. */
const mistakes: readonly (readonly [code: string, reason: string])[] = [
  [
    "queue.publish(userCreated, { userId: '42' })",
    "Property 'age' is missing in type '{ userId: string; }' but required in type '{ userId: string; age: number; }'.",
  ],
  ['queue.publish(userCreated, { userId: 42, age: 5 })', "Type 'number' is not assignable to type 'string'."],
  [
    "queue.publish(userCreated, { userId: '42', age: 5, admin: true })",
    "Object literal may only specify known properties, and 'admin' does not exist in type '{ userId: string; age: number; }'.",
  ],
  [
    "queue.publish(userCreated, { userId: '42', age: 5 }, { delay: 5 })",
    "Object literal may only specify known properties, but 'delay' does not exist in type 'PublishOptions'. Did you mean to write 'delayMs'?",
  ],
  [
    'queue.subscribe(userCreated, ({ data }: Message<{ name: string }>) => data.name)',
    "Property 'name' is missing in type '{ userId: string; age: number; }' but required in type '{ name: string; }'.",
  ],
  [
    "queue.publishAll(userCreated, [{ userId: '42', age: 5 }, { userId: 5, age: 5 }])",
    "Type 'number' is not assignable to type 'string'.",
  ],
  [
    'const list: { userId: string }[] = []; queue.publishAll(userCreated, list)',
    "Property 'age' is missing in type '{ userId: string; }' but required in type '{ userId: string; age: number; }'.",
  ],
  [
    'queue.subscribe(userCreated, ({ data }) => data.name)',
    "Property 'name' does not exist on type '{ userId: string; age: number; }'.",
  ],
]

/** Returns the path of a command in a package, as `package/bin/command`. */
function commandOf(compiler: string): string {
  const [name = '', command = ''] = compiler.split(/\/(?=bin\/)/)
  return join(dirname(require.resolve(`${name}/package.json`)), command)
}

interface Reported {
  readonly line: number
  readonly text: string
}

/** Compiles a file with a compiler of its own package, and returns its errors with all lines that belong to each. */
async function errorsOf(compiler: string, code: string): Promise<readonly Reported[]> {
  await mkdir(join(packageFolder, 'temp'), { recursive: true })
  const folder = await mkdtemp(join(packageFolder, 'temp/types-'))
  try {
    await writeFile(join(folder, 'file.ts'), code)
    const compilerOptions = { noEmit: true, declaration: false, rootDir: '/' }
    const config = { extends: join(packageFolder, '../../tsconfig.base.json'), compilerOptions, files: ['file.ts'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const output = await new Promise<string>((resolve) => {
      execFile(process.execPath, [commandOf(compiler), '-p', folder, '--pretty', 'false'], (_, stdout) =>
        resolve(stdout),
      )
    })
    return reportedIn(output)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const reportedIn = (output: string): readonly Reported[] =>
  output
    .split(/\n(?=\S)/)
    .filter((text) => text.includes('error TS'))
    .map((text) => ({ line: Number(/\((\d+),/.exec(text)?.[1]), text }))

describe.each([
  ['5.9', 'typescript/bin/tsc'],
  // The preview, because its command has another name: vitest runs the `tsc` that it finds.
  ['7', '@typescript/native-preview/bin/tsgo'],
])('TypeScript %s', (_version, compiler) => {
  it('shows the reason of each common mistake, and nothing of topics that are strings', {
    timeout: 240_000,
  }, async () => {
    const lines = mistakes.map(([code]) => `() => { ${code} }`)
    const errors = await errorsOf(compiler, `${head}\nexport const mistakes = [\n${lines.join(',\n')}\n]\n`)
    const firstLine = head.split('\n').length + 2
    const found = mistakes.map(([code], index) => ({
      code,
      texts: errors.filter(({ line }) => line === firstLine + index).map(({ text }) => text),
    }))
    for (const [index, [code, reason]] of mistakes.entries()) {
      expect(found[index]?.texts, code).toHaveLength(1)
      expect(found[index]?.texts[0]).toContain(reason)
    }
    expect(errors).toHaveLength(mistakes.length)
    expect(errors.map(({ text }) => text).join('\n')).not.toMatch(
      /overload|not assignable to (?:parameter of )?type 'string'\.$/,
    )
  })
})
