import { join } from 'node:path'
import { root } from '../../scripts/lib/workspace.mjs'

/** Where the pages of the API are written to; git ignores it. */
export const apiFolder = join(root, 'docs', 'api')
