import { aptInstall, aptObstacle } from './apt.js'
import { findProgram } from './find.js'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const found = (): string | undefined => names.map((name) => findProgram(name)).find((path) => path !== undefined)

/**
 * Returns the path of a Chromium, for tests in a real browser: the one that `MQ_TEST_CHROMIUM` names, one of the PATH, or one that it
 * installs. Throws if none of these is possible, because a test that did not run proves nothing.
 */
export async function chromium(): Promise<string> {
  const named = process.env.MQ_TEST_CHROMIUM
  if (named !== undefined && named !== '') return named
  const path = found()
  if (path !== undefined) return path
  const obstacle = aptObstacle()
  if (obstacle !== undefined) {
    throw new Error(`No Chromium on the PATH, and ${obstacle}. Install one, or name it in MQ_TEST_CHROMIUM.`)
  }
  // The fonts are only recommended by the package, and without any a page has no text.
  await aptInstall(['chromium', 'fonts-dejavu-core'], () => found() !== undefined)
  const installed = found()
  if (installed === undefined) throw new Error('apt-get has installed chromium, and it is not on the PATH')
  return installed
}
