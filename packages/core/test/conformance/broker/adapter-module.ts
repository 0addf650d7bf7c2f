import type { JsonObject } from '../../../src/conformance/subject.js'
import { createAdapter, type MortalAdapter } from './adapter.js'
import { adapterOptions } from './options.js'

/** Creates the adapter. The suite imports this factory. */
export default function adapter(options: JsonObject): MortalAdapter {
  return createAdapter(adapterOptions(options))
}
