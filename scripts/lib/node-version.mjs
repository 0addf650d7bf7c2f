// Any Node may load this file, before anything else, so it uses no syntax that an old one cannot read.
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** Returns the text for a Node that cannot run this project, or undefined for one that can. */
export function nodeProblem(version) {
  const needed = manifest.engines.node.replace('>=', '')
  const [major, minor] = version.split('.').map(Number)
  const [neededMajor, neededMinor] = needed.split('.').map(Number)
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined
  return `This project needs Node ${needed} or later; this is Node ${version} (${process.execPath}).`
}
