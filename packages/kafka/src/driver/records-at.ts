import type { Cluster, TopicPartition } from './cluster.js'
import { LogScan } from './log-scan.js'
import type { KafkaRecord } from './records/record-batch.js'

/** The limits of one look, which brings the first record that is wanted and what is stored behind it. */
const limits = { maxPartitionBytes: 256 * 1024, maxBytes: 1, maxRecords: 1 }

/** Calls `use` for the records at these offsets that are there, in their order. It keeps only what one answer of the broker brings. */
export async function recordsAt(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  offsets: readonly number[],
  use: (record: KafkaRecord) => Promise<void> | void,
): Promise<void> {
  const wanted = new Set(offsets)
  const sorted = [...wanted].sort((one, other) => one - other)
  const end = (sorted.at(-1) ?? -1) + 1
  let next = 0
  for (const offset of sorted) {
    if (offset < next) continue
    const scan = new LogScan(cluster, [{ topic, partition, from: offset, end }], limits)
    const [part] = scan.parts
    if (part === undefined || !(await scan.fill())) return
    for (let record = part.shift(); record !== undefined; record = part.shift()) {
      if (wanted.has(record.offset)) await use(record)
    }
    next = part.position
  }
}
