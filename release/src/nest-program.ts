import { readJson } from '../../scripts/lib/workspace.mjs'

/** Returns packages of Nest 11 for `npm install`, in the versions that the tests of @mq/nestjs have. */
export function nest11(...names: readonly string[]): readonly string[] {
  const { devDependencies } = readJson('packages/nestjs/nest-11/package.json')
  return names.map((name) => `${name}@${devDependencies[name]}`)
}

/**
 * A program for Nest, in which an event becomes a task and who waits gets its result. It awaits nothing at its top, so that it can be
 * compiled as CommonJS too, and injects by the types of constructors.
 */
export const nestProgram = `
import { defineEvent, type Queue, type TaskScheduler } from '@mq/core'
import { declareTask, InjectQueue, InjectScheduler, MqModule, OnMessage, OnTask } from '@mq/nestjs'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'

const userCreated = defineEvent<{ email: string }>('user.created')
const sendMail = declareTask<{ to: string }, string>({ name: 'send-mail' })

@Injectable()
class Mailer {
  send(to: string): string {
    return 'a mail to ' + to
  }
}

@Injectable()
class Mails {
  constructor(
    private readonly mailer: Mailer,
    @InjectQueue() private readonly queue: Queue,
    @InjectScheduler() private readonly scheduler: TaskScheduler,
  ) {}

  @OnTask(sendMail)
  send({ to }: { to: string }): string {
    return this.mailer.send(to)
  }

  @OnMessage(userCreated, { group: 'welcome' })
  async welcome({ email }: { email: string }): Promise<void> {
    console.log(await this.scheduler.run(sendMail, { to: email }))
    done()
  }

  signUp(email: string): Promise<unknown> {
    return this.queue.publish(userCreated, { email })
  }
}

@Module({ imports: [MqModule.forRoot({ address: 'memory:' })], providers: [Mailer, Mails] })
class AppModule {}

let done = (): void => {}
const welcomed = new Promise<void>((resolve) => {
  done = resolve
})

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] })
  await app.get(Mails).signUp('ada@example.com')
  await welcomed
  await app.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
`
