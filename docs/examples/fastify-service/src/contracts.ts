import { setTimeout as pause } from 'node:timers/promises'
import { defineEvent, defineTask } from '@mq/core'
import { z } from 'zod'

export const order = z.object({ orderId: z.string().min(1), amountCents: z.int().positive() })
export type Order = z.infer<typeof order>

/** Published for any service that subscribes. This service does not know which ones do. */
export const orderPlaced = defineEvent('order.placed', { schema: order, key: ({ orderId }) => orderId })

/** Makes an invoice, which takes longer than an HTTP request should. */
export const makeInvoice = defineTask({
  name: 'make-invoice',
  input: order,
  retry: { attempts: 5, delayMs: 1_000 },
  timeoutMs: 30_000,
  async execute({ orderId, amountCents }, { signal }) {
    await pause(300, undefined, { signal }) // your renderer
    return { file: `invoices/${orderId}.pdf`, total: `${(amountCents / 100).toFixed(2)} EUR` }
  },
})
