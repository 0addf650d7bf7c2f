import { describe, expect, it } from 'vitest'
import { namesRegistry } from '../lib/rules.mjs'

// Put together here, so that this file does not itself name what the rule looks for.
const host = (...labels: string[]) => `https://${labels.join('.')}`

describe('a line that says where packages come from', () => {
  it.each([
    `resolved ${host('registry', 'npm' + 'js', 'org')}/zod`,
    `see ${host('registry', 'example', 'com')}:4873/`,
    `${host('example', 'com')}/zod/${'-'}/zod-4.6.7.tgz`,
    `@mq:registry${'='}//packages.example.com/`,
    `//packages.example.com/:_auth${'Token='}x`,
  ])('is found: %s', (line) => {
    expect(namesRegistry(line)).toBe(true)
  })

  it.each([
    'see https://github.com/npm/cli/issues/1',
    "await openQueue('amqp://localhost:5672')",
    'const registry = new Map()',
    'https://nodejs.org/api/packages.html',
  ])('is let through: %s', (line) => {
    expect(namesRegistry(line)).toBe(false)
  })
})
