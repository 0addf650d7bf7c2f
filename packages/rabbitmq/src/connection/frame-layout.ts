// The frames of AMQP 0-9-1, as far as this package reads and writes them itself.

export const frameType = { method: 1, header: 2, body: 3 } as const

/** The parts of a frame: its type, channel and length come before the payload, and one octet after it. */
export const frameLayout = { channelAt: 1, lengthAt: 3, payloadAt: 7, endBytes: 1, end: 0xce } as const

/** The bits that say which properties of a message follow, in the order of the specification. */
export const propertyFlag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  messageId: 0x0080,
  timestamp: 0x0040,
} as const
