import type { JsonObject } from '../../../src/conformance/subject.js'
import { createAdapter, type MortalAdapter } from './adapter.js'
import { adapterOptions } from './options.js'

/** The factory that the suite imports. */
export default function adapter(options: JsonObject): MortalAdapter {
  return createAdapter(adapterOptions(options))
}
