import { probes, type Queue } from '@mq/core'
import { getQueueToken, MqHealthIndicator } from '@mq/nestjs'
import { Controller, Get, type INestApplicationContext, Inject, Module } from '@nestjs/common'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compiled, onMemory } from './support/applications.js'

@Controller()
class Health {
  constructor(
    @Inject(HealthCheckService) readonly health: HealthCheckService,
    @Inject(MqHealthIndicator) readonly mq: MqHealthIndicator,
  ) {}
  @Get('health')
  check() {
    return this.health.check([() => this.mq.isHealthy('queue'), () => this.mq.isHealthy('audit', { queue: 'audit' })])
  }
}

describe('the indicator for terminus', () => {
  it('is up with a connection, and down without one', async () => {
    @Module({ imports: [TerminusModule.forRoot({ logger: false })], controllers: [Health] })
    class HealthModule {}
    const app = await compiled([], { modules: [onMemory(), onMemory({ name: 'audit' })], imports: [HealthModule] })
    onTestFinished(() => app.close())
    await app.listen(0)
    const up = await fetch(`${await app.getUrl()}/health`)
    expect([up.status, await up.json()]).toMatchObject([
      200,
      {
        status: 'ok',
        info: {
          queue: { status: 'up', health: 'up', state: 'connected', consumers: [] },
          audit: { status: 'up' },
        },
      },
    ])
    await (app as INestApplicationContext).get<Queue>(getQueueToken('audit')).disconnect()
    const down = await fetch(`${await app.getUrl()}/health`)
    expect([down.status, await down.json()]).toMatchObject([
      503,
      { status: 'error', error: { audit: { status: 'down', health: 'down', state: 'disconnected' } } },
    ])
  })
})

it("core's probes are middleware of Nest", async () => {
  const app = await compiled([], { modules: [onMemory()] })
  onTestFinished(() => app.close())
  app.use(probes(app.get<Queue>(getQueueToken()), { base: '/health' }))
  await app.listen(0)
  const statusOf = async (path: string) => (await fetch(`${await app.getUrl()}${path}`)).status
  expect([await statusOf('/health/ready'), await statusOf('/other')]).toEqual([200, 404])
  await app.get<Queue>(getQueueToken()).disconnect()
  expect(await statusOf('/health/ready')).toBe(503)
})
