import type { StandardSchema } from '../../index.js'

/** Accepts only numbers. */
export const onlyNumbers: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'mq',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] }),
  },
}
