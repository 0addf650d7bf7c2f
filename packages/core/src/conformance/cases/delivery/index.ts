import type { Chapter } from '../../kit/case.js'
import { deliveryContent } from './content.js'
import { deliveryHandlers } from './handlers.js'
import { deliveryLeaving } from './leaving.js'
import { deliveryOwnership } from './ownership.js'

export const delivery: Chapter = {
  name: 'delivery',
  cases: [...deliveryContent, ...deliveryHandlers, ...deliveryOwnership, ...deliveryLeaving],
}
