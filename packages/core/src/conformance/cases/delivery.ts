import type { Chapter } from '../case.js'
import { deliveryContent } from './delivery-content.js'
import { deliveryHandlers } from './delivery-handlers.js'
import { deliveryOwnership } from './delivery-ownership.js'

export const delivery: Chapter = {
  name: 'delivery',
  cases: [...deliveryContent, ...deliveryHandlers, ...deliveryOwnership],
}
