import type { Socket } from 'node:net'

// The parts of kafkajs 2.2.4 below its public producer and consumer, as far as this adapter uses them.
// See docs/decisions/0020-kafka-below-kafkajs.md.

export interface Request {
  readonly request: { encode(): Promise<unknown> }
  readonly response: {
    decode(data: Buffer): Promise<unknown>
    parse(data: never): Promise<unknown>
  }
  readonly requestTimeout?: number
}

export interface Definition {
  readonly versions: readonly string[]
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
  destroy(): void
}

export interface Connection {
  readonly socket?: Socket
  readonly requestQueue: RequestQueue
  connect(): Promise<unknown>
  isConnected(): boolean
  rejectRequests(error: Error): void
  send(request: Request): Promise<unknown>
}

export interface ConnectionPool {
  readonly host: string
  readonly port: number
  readonly pool: readonly Connection[]
  send(request: Request): Promise<unknown>
}

interface PartitionOffset {
  readonly partition: number
  readonly offset: string
  readonly metadata?: string | null
}

interface TopicOffsets {
  readonly topic: string
  readonly partitions: readonly PartitionOffset[]
}

export interface Broker {
  readonly connectionPool: ConnectionPool
  /** The versions of each request that the broker knows, by the key of the request. Null until it is connected. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null
  isConnected(): boolean
  connect(): Promise<void>
  apiVersions(): Promise<unknown>
  lookupRequest(apiKey: number, definition: Definition): (parameters: object) => Request
  findGroupCoordinator(request: {
    readonly groupId: string
    readonly coordinatorType: number
  }): Promise<{ readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number } }>
  syncGroup(request: {
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]
  }): Promise<{ readonly memberAssignment: Buffer }>
  heartbeat(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
  }): Promise<unknown>
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  listOffsets(request: {
    readonly isolationLevel: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
    }[]
  }): Promise<{ readonly responses: readonly TopicOffsets[] }>
  offsetCommit(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: readonly TopicOffsets[]
  }): Promise<unknown>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
    }[]
  }): Promise<{ readonly responses: readonly TopicOffsets[] }>
  deleteTopics(request: { readonly topics: readonly string[]; readonly timeout: number }): Promise<unknown>
  deleteGroups(groupIds: readonly string[]): Promise<{ readonly results: readonly { readonly error?: Error }[] }>
}

/** The object that all clients of kafkajs are built on. */
export interface KafkajsCluster {
  readonly rootLogger: unknown
  readonly connectionPoolBuilder: {
    build(address?: { readonly host: string; readonly port: number }): Promise<ConnectionPool>
  }
  readonly brokerPool: {
    createBroker(options: {
      readonly connectionPool: ConnectionPool
      readonly logger: unknown
      readonly nodeId?: number
    }): Broker
  }
}
