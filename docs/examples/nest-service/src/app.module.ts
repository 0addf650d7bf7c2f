import { queueConfigFromEnv } from '@mq/core'
import { MqModule } from '@mq/nestjs'
import { Module } from '@nestjs/common'
import { TerminusModule } from '@nestjs/terminus'
import { Mailer } from './mailer.js'
import { Mails } from './mails.js'
import { Health, Web } from './web.js'

@Module({
  imports: [
    MqModule.forRootAsync({
      useFactory: () => {
        const { url, options } = queueConfigFromEnv(process.env, { url: 'memory:' })
        return { address: url, source: '/accounts', stopTimeoutMs: 20_000, ...options }
      },
    }),
    TerminusModule,
  ],
  controllers: [Web, Health],
  providers: [Mailer, Mails],
})
export class AppModule {}
