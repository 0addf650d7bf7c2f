import { isMqError, MqError } from '../contract/errors.js'
import { type StandardSchema, validate } from '../contract/schema.js'
import { decodeData, type EncodedData } from './codec.js'

const advice = 'The schema has to take what JSON holds and transform it, as z.coerce.date() does with a text'

/**
 * Throws `MQ_INVALID_DATA` if a schema that has accepted the data refuses what a reader gets of it, as `z.date()` refuses the text that
 * JSON makes of a date. Data that JSON keeps as it is needs no second look. Returns a promise only if the schema is asynchronous.
 */
export function requireReadable(
  schema: StandardSchema,
  encoded: EncodedData,
  topic: string,
): Promise<void> | undefined {
  if (!encoded.isChanged) return undefined
  try {
    const read = decodeData(encoded.body, encoded.contentType)
    const checking = validate(schema, read, `'${topic}', as a reader gets it,`)
    return checking instanceof Promise ? checking.then(() => undefined, refuse) : undefined
  } catch (error) {
    return refuse(error)
  }
}

function refuse(error: unknown): never {
  if (!isMqError(error, 'MQ_INVALID_DATA') || error.issues === undefined) throw error
  throw new MqError('MQ_INVALID_DATA', `${error.message}. ${advice}`, { issues: error.issues })
}
