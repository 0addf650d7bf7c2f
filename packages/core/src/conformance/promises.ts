/** The sentences of docs/delivery.md, by their numbers, in a few words for reports. */
export const promises = {
  1: 'publish resolves for what is stored, and always settles',
  2: 'what is accepted after subscribe or declareGroup reaches the group',
  3: 'one owner at a time; every group gets every message',
  4: 'acknowledged only after the handler has finished',
  5: 'retried after its backoff, never early, only in its own group',
  6: 'dead letters can be listed, replayed and purged',
  7: 'a delayed message is not early, hardly late, and survives a restart',
  8: 'no more than concurrency handlers; a slow one holds up nobody',
  9: 'a long handler keeps its message',
  10: 'connections heal by themselves, and health tells the truth',
  11: 'clear errors within the connect timeout, without a password',
  12: 'memory is bounded',
  13: 'stop and disconnect let handlers finish, and always resolve',
  14: 'bodies and headers arrive identical, up to a limit',
  15: 'nothing unread is trimmed; losses are reported',
  16: 'messages of one key keep their order',
  17: 'whoever asks for a task is answered, or told in time that no answer comes',
  18: 'a task that was cancelled, is too late or a repetition does not run',
  19: 'what is published while a message is handled names its cause',
} as const

export type PromiseNumber = keyof typeof promises
