import type {
  EventDefinition,
  HandlerContext,
  Message,
  SubscribeOptions,
  Target,
  TaskTarget,
  TombstoneSubscribeOptions,
} from '@mq/core'
import { mark, requireGiven } from './marks.js'

/** The second parameter of a method with `@OnMessage`. It is also what `REQUEST` is in a request-scoped provider. */
export interface MessageContext<Data = unknown> extends HandlerContext {
  /** The message as core delivered it. Its `data` is what pipes got, not what they returned. */
  readonly message: Message<Data>
}

/** Decorates a method that fits. */
export type MethodDecoratorOf<Call extends (...args: never[]) => unknown> = <Method extends Call>(
  target: object,
  key: string,
  descriptor: TypedPropertyDescriptor<Method>,
) => void

/** Names the module whose queue is meant. */
export interface OfQueue {
  /** The `name` of the `MqModule`. Default: the module without a name. */
  readonly queue?: string | undefined
}

type OwnGroup = { readonly group: string } | { readonly ephemeral: true }

/**
 * Subscribes a method of a provider or a controller to a topic. The method gets the data and a `MessageContext`. When it returns, the
 * message is acknowledged; when it throws, the message is retried by the policy. Nothing is known about the data of a topic that is only
 * named, so a pipe should check it.
 */
export function OnMessage(
  topic: string,
  options?: (SubscribeOptions | TombstoneSubscribeOptions) & OfQueue,
): MethodDecoratorOf<(data: never, context: MessageContext) => unknown>
/** Subscribes a method to every run of a task, in a group of its own. */
export function OnMessage<Input, Enqueued>(
  task: TaskTarget<Input, Enqueued>,
  options: SubscribeOptions & OfQueue & OwnGroup,
): MethodDecoratorOf<(data: Input, context: MessageContext<Input>) => unknown>
/** Subscribes a method to an event. The data of a tombstone is null. */
export function OnMessage<Input, Output>(
  event: EventDefinition<Input, Output>,
  options: TombstoneSubscribeOptions & OfQueue,
): MethodDecoratorOf<(data: Output | null, context: MessageContext<Output | null>) => unknown>
/** Subscribes a method to an event. Its first parameter has to take the event's data. */
export function OnMessage<Input, Output>(
  event: EventDefinition<Input, Output>,
  options?: SubscribeOptions & OfQueue,
): MethodDecoratorOf<(data: Output, context: MessageContext<Output>) => unknown>
export function OnMessage(
  target: Target,
  { queue, ...options }: (SubscribeOptions | TombstoneSubscribeOptions) & OfQueue = {},
): MethodDecoratorOf<(...args: never[]) => unknown> {
  requireGiven(target, 'message')
  return (owner, key, descriptor) => mark({ kind: 'message', target, queue, options }, owner, key, descriptor)
}
