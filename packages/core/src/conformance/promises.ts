/** Short forms of the sentences in docs/delivery.md, by their numbers. Reports show them. */
export const promises = {
  1: 'publish resolves once the message is stored, and always settles',
  2: 'messages accepted after subscribe or declareGroup reach the group',
  3: 'a message has one owner at a time; every group gets every message',
  4: 'a message is acknowledged only after its handler has finished',
  5: 'a failed message is retried after its backoff, never early, only in its own group',
  6: 'dead letters can be listed, replayed and purged',
  7: 'a delayed message is never early, at most a little late, and survives a restart',
  8: 'at most as many handlers run as concurrency allows; a slow one holds up no other',
  9: 'a long handler keeps its message',
  10: 'connections recover by themselves, and health reports their true state',
  11: 'connect fails within its timeout with a clear error, without a password',
  12: 'memory is bounded',
  13: 'stop and disconnect let handlers finish, and always resolve',
  14: 'bodies and headers arrive identical, up to a limit',
  15: 'no unread message is trimmed; losses are reported',
  16: 'messages of one key keep their order',
  17: 'the caller of a task gets an answer, or an error in time',
  18: 'a task that is cancelled, expired or a duplicate does not run',
  19: 'a message published while another is handled names its cause',
  20: 'each tick of a schedule runs at least once, and names its time',
  21: 'a foreign place is read as it is, and never created, changed or deleted',
  22: 'what a group has not finished can be looked at without being taken, and single messages removed or hurried',
  23: 'a paused group hands out nothing in any process until it is resumed',
  24: 'what is published in a transaction counts once that commits, and is undone with it',
} as const

export type PromiseNumber = keyof typeof promises
