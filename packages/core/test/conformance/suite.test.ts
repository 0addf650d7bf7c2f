import { afterAll, describe, it } from 'vitest'
import { conformance } from '../../src/conformance/index.js'
import { faultySubject } from './subject.js'

// With no fault planted, the adapter on which faults are planted keeps every promise.
await conformance({ describe, it, afterAll }, faultySubject(), { complete: true })
