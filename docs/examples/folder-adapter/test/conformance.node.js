import * as runner from 'node:test'
import { conformance } from '@mq/core/conformance'
import { subject } from './subject.js'

const adapter = new URL('./subject.js', import.meta.url)
await conformance(runner, { adapter, ...subject }, { parallel: 12, brokers: 4 })
