import { counted } from '../text/numbers.js'

const sentences: Readonly<Record<string, (count: number) => string>> = {
  paused: () => 'The group is paused. Every process obeys within 5 seconds.',
  resumed: () => 'The group goes on.',
  replayed: (count) => `${counted(count, 'dead letter')} ${count === 1 ? 'was' : 'were'} replayed.`,
  purged: (count) => `${counted(count, 'dead letter')} ${count === 1 ? 'was' : 'were'} purged.`,
  removed: (count) => `${counted(count, 'message')} ${count === 1 ? 'was' : 'were'} removed.`,
  readied: (count) => `${counted(count, 'message')} ${count === 1 ? 'is' : 'are'} ready now.`,
  edited: (count) => (count === 0 ? 'The dead letter was no longer there.' : 'The changed copy was sent.'),
}

/** Says what the operation before has done. */
export function Done({ query }: { readonly query: URLSearchParams }) {
  const done = query.get('done') ?? ''
  const count = Number(query.get('count') ?? 0)
  if (!Object.hasOwn(sentences, done) || !Number.isSafeInteger(count) || count < 0) return null
  return (
    <div class="notice good" role="status">
      {sentences[done]?.(count)}
    </div>
  )
}
