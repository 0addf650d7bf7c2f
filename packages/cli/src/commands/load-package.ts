import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandFailure, exitCode } from '../exit-codes.js'

/** Loads a package that not every user of the command needs, from the folder of the application, or beside this one. */
export async function loadPackage<Package>(name: string, what: string): Promise<Package> {
  try {
    const path = createRequire(join(process.cwd(), 'from-here.js')).resolve(name)
    return (await import(pathToFileURL(path).href)) as Package
  } catch {
    // Not installed there.
  }
  try {
    return (await import(name)) as Package
  } catch {
    throw new CommandFailure(exitCode.failed, `${what} needs the package ${name}: npm install ${name}`)
  }
}
