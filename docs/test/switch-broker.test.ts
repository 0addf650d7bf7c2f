import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { build, start } from './program.js'

const example = 'switch-broker'

/** Kafka makes the topics that it needs one after the other. */
const runMs = 60_000

const output = `shipped to ada: 1 2 3
shipped to bob: 1 2 3
labels: ada 1 in attempt 3, ada 2, ada 3, bob 1, bob 3
reminders: not early
dead letter: {"customer":"bob","order":2} after 3 attempts: the printer cannot spell this
replayed: { replayed: 1 }
labels: ada 1 in attempt 3, ada 2, ada 3, bob 1, bob 2, bob 3
`

async function expectSameOutput(url: string): Promise<void> {
  const program = start(example, { MQ_URL: url })
  const { code, stdout } = await program.ended
  expect(stdout, program.output()).toBe(output)
  expect(code, program.output()).toBe(0)
}

describe('one program, another broker by one variable', () => {
  beforeAll(() => build(example))

  it('says what it says on memory', () => expectSameOutput('memory:'), runMs)

  describe.each(['rabbitmq', 'redis', 'kafka', 'postgres'] as const)('%s', (kind) => {
    it.skipIf(!brokers.wanted(kind))(
      'says the same, and once more on the same server',
      async () => {
        const { url } = await shared(kind)
        await expectSameOutput(url)
        await expectSameOutput(url)
      },
      2 * runMs,
    )
  })
})
