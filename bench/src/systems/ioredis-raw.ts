import { attributesOf, contentType } from './attributes.js'
import { ioredisWith } from './ioredis.js'

/** Stores the fields that ours writes. */
export const open = ioredisWith((topic) =>
  Object.entries({ ...attributesOf(topic), datacontenttype: contentType }).flat(),
)
