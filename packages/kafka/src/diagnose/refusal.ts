import { errorType, isCausedBy } from '../driver/errors.js'

/** Says whether the user lacks a right. kafkajs wraps the answers of brokers, some of them in lists. */
export const isRefusal = (error: unknown): boolean =>
  isCausedBy(error, (at) => {
    const { errors } = at as { readonly errors?: unknown }
    const answers: readonly unknown[] = [at, ...(Array.isArray(errors) ? errors : [])]
    return answers.some((one) => /AUTHORIZATION_FAILED/.test(`${errorType(one) ?? ''} ${(one as Error).message}`))
  })
