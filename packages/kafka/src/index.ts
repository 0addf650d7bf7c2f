export type { Sasl } from './driver/client.js'
export type { Compression } from './driver/requests.js'
export { kafka, kafka as default } from './kafka.js'
export type { KafkaOptions } from './options.js'
