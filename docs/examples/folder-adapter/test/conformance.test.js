import { conformance } from '@mq/core/conformance'
import * as vitest from 'vitest'
import { subject } from './subject.js'

const adapter = new URL('./subject.js', import.meta.url)
await conformance(vitest, { adapter, ...subject }, { parallel: 12, brokers: 4 })
