// The files of kafkajs 2.2.4 that this adapter imports by their paths. A bundler finds imports, and would miss what is required at run
// time.
// See docs/decisions/0020-kafka-below-kafkajs.md.

declare module 'kafkajs/src/protocol/requests/index.js' {
  type Name = 'CreateTopics' | 'DescribeGroups' | 'Fetch' | 'JoinGroup' | 'ListGroups' | 'Metadata' | 'Produce'
  interface Definition {
    readonly versions: readonly string[]
  }

  const exported: {
    readonly requests: Readonly<Record<Name, Definition>>
  }
  export default exported
}

declare module 'kafkajs/src/protocol/requests/apiKeys.js' {
  type Name = 'CreateTopics' | 'DescribeGroups' | 'Fetch' | 'JoinGroup' | 'ListGroups' | 'Metadata' | 'Produce'
  const exported: Readonly<Record<Name, number>>
  export default exported
}

declare module 'kafkajs/src/protocol/error.js' {
  const exported: { createErrorFromCode(code: number): Error & { readonly type: string } }
  export default exported
}

declare module 'kafkajs/src/protocol/message/compression/index.js' {
  interface Codec {
    compress(encoded: { readonly buffer: Buffer }): Promise<Buffer>
    decompress(data: Buffer): Promise<Buffer>
  }

  const exported: { lookupCodec(type: number): Codec | null }
  export default exported
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  const crc32C: (data: Buffer) => number
  export default crc32C
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(bytes?: number)
    writeInt16(value: number): this
    writeInt32(value: number): this
    writeString(text: string | null): this
    writeBytes(data: Buffer): this
    writeBuffer(data: Buffer): this
  }
}

declare module 'kafkajs/src/producer/partitioners/default/murmur2.js' {
  const murmur2: (key: string) => number
  export default murmur2
}
