import { mkdirSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import { type Example, root, workshop } from './examples.js'

const options: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  // Nest needs them, and only programs for Nest have decorators.
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  noEmit: true,
}

const emitted: ts.CompilerOptions = { ...options, noEmit: false, inlineSourceMap: true, inlineSources: true }

/**
 * Checks all examples with the types that a user gets, the built ones, and writes each as a module that Node can run.
 * Gives the errors of each, by its place.
 */
export function compile(examples: readonly Example[]): ReadonlyMap<string, readonly string[]> {
  mkdirSync(workshop, { recursive: true })
  for (const { file, source } of examples) {
    writeFileSync(`${file}.mts`, source)
    const { outputText } = ts.transpileModule(source, { compilerOptions: emitted, fileName: `${file}.mts` })
    writeFileSync(`${file}.mjs`, outputText)
  }
  const program = ts.createProgram({ rootNames: examples.map(({ file }) => `${file}.mts`), options, host: host() })
  return new Map(
    examples.map(({ place, file }) => {
      const source = program.getSourceFile(`${file}.mts`)
      const found = source && [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      return [place, found?.map((diagnostic) => describe(place, diagnostic)) ?? ['was not compiled']]
    }),
  )
}

/** Looks for types from the workshop, and so in what `docs` depends on. */
function host(): ts.CompilerHost {
  return { ...ts.createCompilerHost(options), getCurrentDirectory: () => workshop }
}

function describe(place: string, { start = 0, file, messageText }: ts.Diagnostic): string {
  const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1
  const page = place.slice(0, place.lastIndexOf(':'))
  return `${page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n').replaceAll(root, '')}`
}
