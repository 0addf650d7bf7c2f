import { fastMutants } from '@mq/test-brokers'
import * as vitest from 'vitest'
import { mutants } from '../mutants/index.js'
import { subject } from './support/subject.js'

fastMutants(vitest, { kind: 'postgres', mutants, subject })
