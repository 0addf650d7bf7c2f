import type { Link } from '../../connection/link.js'

/** A key that some consumers of this process watch. */
interface WatchedKey {
  readonly name: string
  readonly watchers: Set<KeyWatch>
  /** Counts the changes. Those that follow before the key was armed again are not counted. */
  changes: number
  /** Whether the next change is reported. */
  isArmed: boolean
}

/** Lets consumers learn that keys have changed at the broker, whoever changed them. Consumers of one topic share its keys. */
export class Watch {
  /** Whether the broker reports changes. */
  isReported = false
  readonly #keys = new Map<string, WatchedKey>()
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
  }

  /** Watches some keys that lie in one slot. Calls `onChange` when one of them has changed. */
  add(names: readonly string[], onChange: () => void): KeyWatch {
    const keys = names.map((name) => {
      const known = this.#keys.get(name)
      if (known !== undefined) return known
      const key: WatchedKey = { name, watchers: new Set(), changes: 0, isArmed: false }
      this.#keys.set(name, key)
      return key
    })
    const watch = new KeyWatch({ keys, onChange, arm: (some) => this.#arm(some) })
    for (const key of keys) key.watchers.add(watch)
    return watch
  }

  remove(watch: KeyWatch): void {
    for (const key of watch.keys) {
      key.watchers.delete(watch)
      if (key.watchers.size === 0 && this.#keys.get(key.name) === key) this.#keys.delete(key.name)
    }
  }

  /** Passes on that a key has changed, or that any may have changed. */
  changed(name?: string): void {
    const keys = name === undefined ? [...this.#keys.values()] : [this.#keys.get(name)]
    for (const key of keys) {
      if (key === undefined) continue
      key.changes += 1
      key.isArmed = false
      for (const watch of key.watchers) watch.onChange()
    }
  }

  /** The broker remembers what this connection reads. Later commands on the connection come after this one. */
  #arm(keys: readonly WatchedKey[]): void {
    if (!this.isReported) return
    for (const key of keys) key.isArmed = true
    this.#link
      .send(
        'EXISTS',
        keys.map(({ name }) => name),
      )
      .catch(() => {
        // The consumers read once more, and arm the keys again.
        for (const key of keys) this.changed(key.name)
      })
  }
}

interface KeyWatchParts {
  readonly keys: readonly WatchedKey[]
  readonly onChange: () => void
  readonly arm: (keys: readonly WatchedKey[]) => void
}

/** The keys that a consumer watches together. */
export class KeyWatch {
  readonly keys: readonly WatchedKey[]
  readonly onChange: () => void
  readonly #arm: (keys: readonly WatchedKey[]) => void

  constructor({ keys, onChange, arm }: KeyWatchParts) {
    this.keys = keys
    this.onChange = onChange
    this.#arm = arm
  }

  /** How often one of the keys has changed. */
  get changes(): number {
    let sum = 0
    for (const { changes } of this.keys) sum += changes
    return sum
  }

  /** Whether the next change of each key is noticed. */
  get isArmed(): boolean {
    return this.keys.every(({ isArmed }) => isArmed)
  }

  /** Makes sure that a change after the next command is noticed, if the broker reports changes. Returns `changes`. */
  arm(): number {
    const unarmed = this.keys.filter(({ isArmed }) => !isArmed)
    if (unarmed.length > 0) this.#arm(unarmed)
    return this.changes
  }
}
