import type { JsonObject } from '../../../src/conformance/subject.js'
import type { Adapter } from '../../../src/index.js'
import outside from './outside-adapter.js'

/** Throws where it has to reject. */
export default (options: JsonObject): Adapter => ({
  ...outside(options),
  connect() {
    throw new Error('no broker')
  },
})
