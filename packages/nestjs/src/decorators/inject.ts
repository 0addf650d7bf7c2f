import { Inject } from '@nestjs/common'
import { getQueueToken, getSchedulerToken } from '../tokens.js'

/** Injects the `Queue` of `MqModule`, or of the module with that name. */
export const InjectQueue = (name?: string): PropertyDecorator & ParameterDecorator => Inject(getQueueToken(name))

/** Injects the `TaskScheduler` over the queue of `MqModule`, or of the module with that name. */
export const InjectScheduler = (name?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getSchedulerToken(name))
