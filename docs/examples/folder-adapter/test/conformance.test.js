import { conformance } from '@mq/core/conformance'
import * as vitest from 'vitest'
import { subject } from './subject.js'

await conformance(vitest, { adapter: new URL('./subject.js', import.meta.url), ...subject })
