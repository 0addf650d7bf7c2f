import type { HandlerContext, Log, Message, Task } from '@mq/core'
import { ContextIdFactory, type ExternalContextCreator, type ModuleRef } from '@nestjs/core'
import { checkedResult } from '../decorators/declare-task.js'
import type { MessageContext } from '../decorators/on-message.js'
import type { FoundHandler } from '../discover/handlers.js'
import { createEnhancers, type Enhanced } from './enhancers.js'
import { callFiltered } from './failures.js'

interface Parts {
  readonly moduleRef: ModuleRef
  readonly creator: ExternalContextCreator
  readonly inheritAppConfig: boolean
}

type Handle = (data: unknown, context: { readonly log: Log }) => Promise<unknown>

/** Creates what calls the methods of handlers as Nest does: with their enhancers, and on an instance of their own if they are request-scoped. */
export function createHandles({ moduleRef, creator, inheritAppConfig }: Parts) {
  const enhance = createEnhancers(creator, inheritAppConfig)

  function handleOf(handler: FoundHandler): Handle {
    const enhancedOf = enhance(handler)
    const { instance, token } = handler
    if (instance !== undefined) {
      const enhanced = enhancedOf(instance)
      return (data, context) => callFiltered(enhanced, data, context)
    }
    const enhancedFor = async (context: object): Promise<Enhanced> => {
      const contextId = ContextIdFactory.create()
      moduleRef.registerRequestByContextId(context, contextId)
      return enhancedOf(await moduleRef.resolve(token as string, contextId, { strict: false }), contextId)
    }
    return async (data, context) => callFiltered(await enhancedFor(context), data, context)
  }

  return {
    /** Returns the handler of a subscription. */
    ofMessages(handler: FoundHandler): (message: Message, context: HandlerContext) => Promise<void> {
      const handle = handleOf(handler)
      return async (message, context) => {
        await handle(message.data, messageContext(message, context))
      }
    },
    /** Returns the task with the method in the place of `execute`. */
    ofTask(handler: FoundHandler, task: Task): Task {
      const handle = handleOf(handler)
      const execute: Task['execute'] = async (input, context) => checkedResult(task, await handle(input, context))
      return Object.create(task, { execute: { value: execute } })
    },
  }
}

/** The signal is made when somebody asks for it. */
const messageContext = (message: Message, context: HandlerContext): MessageContext => ({
  message,
  queue: context.queue,
  log: context.log,
  get signal() {
    return context.signal
  },
})
