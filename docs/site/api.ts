import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Application, LogLevel, type ProjectReflection } from 'typedoc'
import { root } from '../../scripts/lib/workspace.mjs'
import { apiFolder } from './api-folder.js'
import { type EntryPoint, entryPoints } from './entry-points.js'
import { atRepository } from './places.js'

/** Writes a page for everything that is exported, and `navigation.json` beside them. Rejects with all that typedoc objects to. */
export async function writeApi(): Promise<void> {
  const entries = entryPoints()
  rmSync(apiFolder, { recursive: true, force: true })
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    name: 'API',
    entryPoints: entries.map(({ source }) => join(root, source)),
    tsconfig: join(root, 'docs', 'site', 'tsconfig.json'),
    // The types are checked by tsc.
    skipErrorChecking: true,
    basePath: root,
    displayBasePath: root,
    disableGit: true,
    sourceLinkTemplate: atRepository('{path}#L{line}'),
    readme: 'none',
    // What an interface has from Node's own is documented there.
    excludeExternals: true,
    logLevel: LogLevel.Warn,
  })
  for (const [name, value] of Object.entries(pagesAsVitepressReadsThem)) app.options.setValue(name, value)
  const project = await app.convert()
  if (project === undefined) throw new Error('typedoc could not read the sources')
  app.validate(project)
  nameModules(project, entries)
  await app.generateOutputs(project)
  const { errorCount, warningCount } = app.logger
  if (errorCount + warningCount > 0) throw new Error(`typedoc had ${errorCount} errors and ${warningCount} warnings`)
}

const pagesAsVitepressReadsThem = {
  out: apiFolder,
  entryFileName: 'index',
  modulesFileName: 'index',
  navigationJson: join(apiFolder, 'navigation.json'),
  hidePageHeader: true,
  useCodeBlocks: true,
  useHTMLEncodedBrackets: true,
  sanitizeComments: true,
  useCustomAnchors: true,
  customAnchorsFormat: 'curlyBrace',
  parametersFormat: 'table',
  excludeScopesInPaths: true,
}

function nameModules(project: ProjectReflection, entries: readonly EntryPoint[]): void {
  for (const module of project.children ?? []) {
    const entry = entries.find(({ source }) => source === module.sources?.[0]?.fileName)
    if (entry === undefined) throw new Error(`${module.name} is no entry point`)
    module.name = entry.name
  }
}
