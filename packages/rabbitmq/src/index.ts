export type { ManagementOptions, RabbitmqOptions } from './options.js'
export { rabbitmq, rabbitmq as default } from './rabbitmq.js'
