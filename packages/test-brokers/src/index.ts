export { rabbitmq } from './rabbitmq/index.js'
export { redis } from './redis/index.js'
export { kafka } from './kafka/index.js'
