import type { Server } from 'node:http'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'
import { closeWithLastAnswer } from './closing.js'

const app = await NestFactory.create(AppModule)
closeWithLastAnswer(app.getHttpServer() as Server)
// On SIGTERM: handlers finish, open requests get their answers, the queue disconnects, and the process ends with exit code 0.
app.enableShutdownHooks([], { useProcessExit: true })
await app.listen(process.env.PORT ?? 3000, process.env.HOST ?? '127.0.0.1')
console.log(`listening on ${await app.getUrl()}`)
