import { isMqError, MqError, type Queue, type TaskScheduler } from '@mq/core'
import { InjectQueue, InjectScheduler, MqHealthIndicator } from '@mq/nestjs'
import {
  type ArgumentsHost,
  BadGatewayException,
  BadRequestException,
  Body,
  Catch,
  Controller,
  Get,
  HttpCode,
  type HttpException,
  Param,
  Post,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'
import { HealthCheckService } from '@nestjs/terminus'
import { type Account, accountCreated, sendMail } from './contracts.js'
import { Mailer } from './mailer.js'

/** Answers a request whose publish or task has failed. */
@Catch(MqError)
class MqErrors extends BaseExceptionFilter {
  override catch(error: MqError, host: ArgumentsHost) {
    super.catch(statusOf(error), host)
  }
}

function statusOf(error: MqError): HttpException {
  if (isMqError(error, 'MQ_INVALID_DATA')) return new BadRequestException(error.message)
  if (isMqError(error, 'MQ_TASK_FAILED')) return new BadGatewayException(error.failure.message)
  // The message is not stored, or may not be: the client may try again.
  return new ServiceUnavailableException(error.code)
}

@Controller()
@UseFilters(MqErrors)
export class Web {
  constructor(
    @InjectQueue() private readonly queue: Queue,
    @InjectScheduler() private readonly scheduler: TaskScheduler,
    private readonly mailer: Mailer,
  ) {}

  /** Answers once the event is stored. The mail is sent later, by whichever instance takes it. */
  @Post('accounts')
  @HttpCode(202)
  async signUp(@Body() account: Account) {
    const { id } = await this.queue.publish(accountCreated, account)
    return { eventId: id }
  }

  /** Waits for the mail to be sent, wherever that happens. */
  @Post('mails')
  @HttpCode(200)
  async mail(@Body() { to, text }: { to: string; text: string }) {
    return this.scheduler.run(sendMail, { to, text }, { timeoutMs: 20_000 })
  }

  /** Lists the mails that this instance has sent. */
  @Get('mails')
  sent() {
    return this.mailer.sent
  }

  @Get('dead-mails')
  async dead() {
    const letters = await this.queue.deadLetters(sendMail).list()
    return letters.map(({ data, failure }) => ({ data, error: failure.error.message, attempts: failure.attempts }))
  }

  @Post('dead-mails/replay')
  @HttpCode(200)
  replay() {
    return this.queue.deadLetters(sendMail).replay()
  }

  /** Stands for what a person does before a replay is of any use. */
  @Post('mailboxes/:address/empty')
  @HttpCode(204)
  empty(@Param('address') address: string) {
    this.mailer.empty(address)
  }
}

@Controller('health')
export class Health {
  constructor(
    private readonly health: HealthCheckService,
    private readonly mq: MqHealthIndicator,
  ) {}

  @Get()
  check() {
    return this.health.check([() => this.mq.isHealthy('queue')])
  }
}
