import { conformance } from '@mq/core/conformance'
import { brokers, conformanceOptions } from '@mq/test-brokers'
import * as vitest from 'vitest'
import { subject } from './support/subject.js'

await conformance(
  { ...vitest, describe: vitest.describe.skipIf(!brokers.wanted('postgres')) },
  subject,
  conformanceOptions('postgres'),
)
