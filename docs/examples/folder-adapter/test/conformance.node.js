import * as runner from 'node:test'
import { conformance } from '@mq/core/conformance'
import { subject } from './subject.js'

await conformance(runner, { adapter: new URL('./subject.js', import.meta.url), ...subject })
