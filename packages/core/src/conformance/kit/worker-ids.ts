import type { Worker, WorkerEvent } from '../subject.js'

/** Returns the ids of the messages of which a worker has reported this, in order. */
export const workerIds = (worker: Worker, type: WorkerEvent['type']): readonly string[] =>
  worker.events.flatMap((event) => (event.type === type && event.id !== undefined ? [event.id] : []))
