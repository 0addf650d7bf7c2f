import type { Bump } from './workspace-copy.js'

/** Returns the version of a package after a bump. */
export function raised(versions: Readonly<Record<string, string>>, name: string, bump: Bump): string {
  const [major = 0, minor = 0, patch = 0] = (versions[name] ?? '').split('.').map(Number)
  if (bump === 'major') return `${major + 1}.0.0`
  return bump === 'minor' ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`
}
