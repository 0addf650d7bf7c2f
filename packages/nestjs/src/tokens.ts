const named = (base: string, name: string | undefined): string => (name === undefined ? base : `${base}(${name})`)

/** Returns the token of a queue, for `overrideProvider` and `inject`. Without a name it is that of the module without a name. */
export const getQueueToken = (name?: string): string => named('MqQueue', name)

/** Returns the token of the scheduler over a queue. */
export const getSchedulerToken = (name?: string): string => named('MqScheduler', name)

/** Returns the token of the options with which a module was made. */
export const optionsToken = (name: string | undefined): string => named('MqOptions', name)

/** Returns the token of the decorated methods of a queue. */
export const handlersToken = (name: string | undefined): string => named('MqHandlers', name)

/** Returns the token of what connects and disconnects a queue. */
export const connectionToken = (name: string | undefined): string => named('MqConnection', name)

/** Returns the token of what starts and stops the handlers of a queue. */
export const consumersToken = (name: string | undefined): string => named('MqConsumers', name)
