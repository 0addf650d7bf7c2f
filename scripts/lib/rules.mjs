import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { missingScripts, pages } from './markdown.mjs'
import { signpostProblems } from './signposts.mjs'
import { exists, publicPackages, readJson, readText, root, workspacePackages } from './workspace.mjs'

/** The rules of this repository that no other tool checks. Each returns the list of its problems. */
export const rules = [
  { title: 'the lockfile names packages, not places', problems: lockfileProblems },
  { title: 'no tracked file names a package registry', problems: registryProblems },
  { title: 'every package has what its users look for', problems: manifestProblems },
  { title: 'every entry point has an API report', problems: reportProblems },
  { title: 'every script and every command in README and CONTRIBUTING exists', problems: scriptProblems },
  { title: 'every changeset names a published package', problems: changesetProblems },
  { title: 'no package joins signals by AbortSignal.any', problems: joinedSignalProblems },
  { title: 'comments, pages and names follow the rules of English', problems: englishProblems },
  { title: 'imports run from a layer to lower ones', problems: layerProblems },
  { title: 'no folder and no function of a package is too large', problems: sizeProblems },
  {
    title: 'CONTRIBUTING leads to paths that exist',
    problems: () => signpostProblems(readText('CONTRIBUTING.md')),
  },
]

function lockfileProblems() {
  const place = /(https?|ssh|git(\+\w+)?):\/\/|\btarball:|(^|[\s'"@])file:\S/
  return readText('pnpm-lock.yaml')
    .split('\n')
    .flatMap((line, index) => {
      // An author writes this to users of an old package, often with a link.
      if (/^\s*deprecated:/.test(line)) return []
      return place.test(line) ? [`pnpm-lock.yaml:${index + 1}: ${line.trim()}`] : []
    })
}

function registryProblems() {
  const configured = execFileSync('npm', ['config', 'get', 'registry'], {
    cwd: root,
    encoding: 'utf8',
    shell: isWindows,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ownHost = URL.canParse(configured.trim()) ? new URL(configured.trim()).host : undefined
  return trackedFiles().flatMap((path) => {
    const text = readText(path)
    if (text.includes('\0')) return []
    return text.split('\n').flatMap((line, index) => {
      const names = namesRegistry(line) || (ownHost !== undefined && line.includes(ownHost))
      return names ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : []
    })
  })
}

/** Returns whether a line names a place that packages come from: a registry's host, a package's archive, or a setting with one. */
export function namesRegistry(line) {
  if (/registry['"]?\s*[=:]\s*['"]?(https?:)?\/\//.test(line) || /_auth(Token)?\s*=/.test(line)) return true
  return [...line.matchAll(/(?:https?:)?\/\/([\w.-]+)(?::\d+)?([^\s"'`)>]*)/g)].some(([, host, path]) => {
    const labels = host.toLowerCase().split('.')
    if (labels[0] === 'docs') return false
    return (
      labels.some((label) => /^(npm\w*|yarnpkg|registry|registries|artifactory|nexus|verdaccio)$/.test(label)) ||
      /\.tgz(?:$|[?#])/.test(path) ||
      path.includes('/-/')
    )
  })
}

function manifestProblems() {
  const wanted = readJson('package.json')
  const site = wanted.repository.url.replace(/^git\+|\.git$/g, '')
  return publicPackages().flatMap(({ folder, manifest }) => {
    const problems = []
    const must = (holds, text) => holds || problems.push(`${folder}: ${text}`)
    must(exists(`${folder}/README.md`), 'has no README.md')
    must(exists(`${folder}/LICENSE`), 'has no LICENSE')
    must(exists(`${folder}/LICENSE`) && readText(`${folder}/LICENSE`) === readText('LICENSE'), 'has another LICENSE')
    must(manifest.license === wanted.license, `license is not ${wanted.license}`)
    must(Boolean(manifest.description), 'has no description')
    must(manifest.repository?.url === wanted.repository.url, `repository.url is not ${wanted.repository.url}`)
    must(manifest.repository?.directory === folder, `repository.directory is not ${folder}`)
    must(manifest.homepage === `${site}/tree/main/${folder}#readme`, 'homepage is not its folder in the repository')
    must(manifest.bugs === `${site}/issues`, 'bugs is not where the repository has its issues')
    must(manifest.keywords?.length > 0, 'has no keywords')
    must(manifest.files?.includes('CHANGELOG.md'), 'files leave the changelog out')
    must(manifest.engines?.node === wanted.engines.node, `engines.node is not ${wanted.engines.node}`)
    must(manifest.type === 'module', 'type is not module')
    must(manifest.sideEffects === false, 'sideEffects is not false')
    must(manifest.publishConfig?.access === 'public', 'publishConfig.access is not public')
    must(manifest.publishConfig?.registry === undefined, 'publishConfig names a registry')
    // turbo skips a package without the task, and so would these checks.
    for (const script of ['build', 'check:package', 'check:api'])
      must(manifest.scripts?.[script], `has no script ${script}`)
    for (const name of Object.keys(manifest.scripts ?? {})) {
      must(!lifecycle.test(name), `script ${name} would run where the package is installed or packed`)
    }
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      must(!/^(file|link|git|https?):|\//.test(range), `${name} comes from ${range}`)
      if (name.startsWith('@mq/')) must(range.startsWith('workspace:'), `${name} is not taken from the workspace`)
    }
    return problems
  })
}

const lifecycle = /^((pre|post)?(install|pack|prepare|publish|uninstall)|prepublishOnly|dependencies)$/

function reportProblems() {
  return publicPackages().flatMap(({ folder, manifest }) => {
    const entries = Object.values(manifest.exports ?? {}).flatMap((target) => target.types ?? [])
    const configs = readdirSync(`${root}/${folder}`).filter((name) => /^api-extractor.*\.json$/.test(name))
    const covered = new Map(configs.map((name) => [readJson(`${folder}/${name}`).mainEntryPointFilePath, name]))
    return entries.flatMap((entry) => {
      const config = covered.get(`<projectFolder>/${entry.replace('./', '')}`)
      if (config === undefined) return [`${folder}: no api-extractor*.json is about ${entry}`]
      const report = `${folder}/etc/${readJson(`${folder}/${config}`).apiReport?.reportFileName}.api.md`
      return trackedFiles().includes(report) ? [] : [`${report} is not committed; pnpm api:update writes it`]
    })
  })
}

function scriptProblems() {
  const all = [{ folder: '.', manifest: readJson('package.json') }, ...workspacePackages()]
  const files = all.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.scripts ?? {}).flatMap(([name, command]) => {
      const file = /^node (\S+\.m?js)\b/.exec(command)?.[1]
      if (file === undefined || file.startsWith('dist/') || exists(`${folder}/${file}`)) return []
      return [`${folder}/package.json: script ${name} runs ${file}, which does not exist`]
    }),
  )
  const shown = pages()
    .filter((path) => /(README|CONTRIBUTING)\.md$/.test(path))
    .flatMap((path) => missingScripts(readText(path)).map((command) => `${path}: ${command}`))
  return [...files, ...shown]
}

function changesetProblems() {
  const names = publicPackages().map(({ manifest }) => manifest.name)
  const files = readdirSync(`${root}/.changeset`).filter((name) => name.endsWith('.md') && name !== 'README.md')
  return files.flatMap((file) => {
    const [, head, text] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(readText(`.changeset/${file}`)) ?? []
    if (head === undefined) return [`.changeset/${file} does not begin with its packages between two lines of ---`]
    const bumps = head.split('\n').filter(Boolean)
    const wrong = bumps.filter((line) => {
      const [, name] = /^['"]?([^'":]+)['"]?: (?:major|minor|patch)$/.exec(line) ?? []
      return !names.includes(name)
    })
    const problems = wrong.map((line) => `.changeset/${file}: ${line}`)
    if (bumps.length > 0 && text.trim() === '') problems.push(`.changeset/${file} does not say what a user notices`)
    return problems
  })
}

/** Some versions of Node lose the abort of such a signal, but not those that most tests run on. */
function joinedSignalProblems() {
  return trackedFiles()
    .filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path))
    .flatMap((path) =>
      readText(path)
        .split('\n')
        .flatMap((line, index) =>
          /AbortSignal\.any\(/.test(line) ? [`${path}:${index + 1}: use joinedSignal of @mq/core instead`] : [],
        ),
    )
}

// These three load late: they need the compiler, and this module is read before anything is installed.
async function englishProblems() {
  return (await import('./english/problems.mjs')).englishProblems()
}

async function layerProblems() {
  return (await import('./layers.mjs')).layerProblems()
}

async function sizeProblems() {
  return (await import('./sizes.mjs')).sizeProblems()
}

const isWindows = process.platform === 'win32'

function trackedFiles() {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  return listed.split('\0').filter((path) => path !== '' && exists(path))
}
