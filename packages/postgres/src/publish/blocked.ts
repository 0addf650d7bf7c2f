import type { AdapterEvent } from '@mq/core/adapter'
import { isBlocked, type StatementError } from '../connection/errors.js'

/** Reports when the database begins to refuse messages, and when it takes them again. */
export function blockedReporter(report: (event: AdapterEvent) => void) {
  let blocked = false
  return {
    noteError(error: StatementError): void {
      if (blocked || !isBlocked(error)) return
      blocked = true
      report({ type: 'blocked', blocked: true, reason: `PostgreSQL takes no messages: ${error.message}` })
    },
    noteStored(): void {
      if (!blocked) return
      blocked = false
      report({ type: 'blocked', blocked: false })
    },
    get isBlocked() {
      return blocked
    },
  }
}

export type BlockedReporter = ReturnType<typeof blockedReporter>
