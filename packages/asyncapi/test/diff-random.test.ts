import { defineEvent } from '@mq/core'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type AsyncapiDocument, asyncapi, type Change, compareDocuments, type JsonSchema } from '../src/index.js'
import { samplesOf } from './support/samples.js'
import { pairs, schemas } from './support/schemas.js'

const documentOf = (schema: JsonSchema): AsyncapiDocument =>
  asyncapi({ title: 't', version: '1', events: [{ event: defineEvent('a'), schema }] })

const ajv = new Ajv({ strict: false })
formats.default(ajv)
const validatorOf = (schema: JsonSchema): ValidateFunction => {
  const validate = ajv.compile(schema)
  // Each schema is another one, and ajv keeps them all.
  ajv.removeSchema(schema)
  return validate
}

const compared = (before: JsonSchema, after: JsonSchema): readonly Change[] =>
  compareDocuments(documentOf(before), documentOf(after))

const breaks = (changes: readonly Change[], whom: 'readers' | 'writers'): boolean =>
  changes.some((change) => change.breaks === whom || change.breaks === 'both')

it('a document has no change against itself', () => {
  fc.assert(
    fc.property(schemas, (schema) => {
      expect(compared(schema, schema)).toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

it('a change that breaks nobody lets both read what the other writes', () => {
  const seen = { holds: 0, breaks: 0 }
  fc.assert(
    fc.property(
      pairs.chain(([before, after]) =>
        fc.tuple(
          fc.constant(before),
          fc.constant(after),
          fc.array(samplesOf(before), { minLength: 5, maxLength: 5 }),
          fc.array(samplesOf(after), { minLength: 5, maxLength: 5 }),
        ),
      ),
      ([before, after, old, now]) => {
        const changes = compared(before, after)
        const [isOld, isNew] = [validatorOf(before), validatorOf(after)]
        for (const [whom, written, isWritten, isRead] of [
          ['readers', now, isNew, isOld],
          ['writers', old, isOld, isNew],
        ] as const) {
          const valid = written.filter((data) => isWritten(data))
          const refused = valid.filter((data) => !isRead(data))
          seen[breaks(changes, whom) ? 'breaks' : 'holds'] += 1
          if (!breaks(changes, whom)) expect(refused).toEqual([])
        }
      },
    ),
    { numRuns: 400 },
  )
  // Otherwise the property would hold of a comparison that always finds fault.
  expect(seen.holds).toBeGreaterThan(50)
  expect(seen.breaks).toBeGreaterThan(50)
})

it('an old and a new form side by side break no writer, and only one of them breaks no reader', () => {
  fc.assert(
    fc.property(schemas, schemas, (one, other) => {
      const both = { anyOf: [other, one] }
      expect(breaks(compared(one, both), 'writers')).toBe(false)
      expect(breaks(compared(both, one), 'readers')).toBe(false)
    }),
    { numRuns: 1_000 },
  )
})

it('what breaks a reader in one direction breaks a writer in the other, apart from fields that they can do without', () => {
  fc.assert(
    fc.property(pairs, ([before, after]) => {
      const forth = compared(before, after)
      const needed = forth.filter(({ text }) => text !== 'is gone')
      const back = compared(after, before)
      if (breaks(needed, 'readers')) expect(breaks(back, 'writers')).toBe(true)
      if (breaks(forth, 'writers')) expect(breaks(back, 'readers')).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})
