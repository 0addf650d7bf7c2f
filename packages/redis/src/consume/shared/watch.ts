import type { Link } from '../../connection/link.js'

/** A key that some consumers of this process watch. */
interface WatchedKey {
  readonly name: string
  readonly watchers: Set<KeyWatch>
  /** Counts the changes. Those that follow before the key was armed again are not counted. */
  changes: number
  /** Whether the next change is reported. */
  isArmed: boolean
  /** When the second began in which the latest changes are counted. */
  secondAt: number
  changesOfSecond: number
  /** How many changes in a row brought nothing. */
  inVain: number
  isLate: boolean
}

const secondMs = 1_000
/** How many changes in a second make a key busy. */
const busyFrom = 5
/** After so many changes in a row that brought nothing, the next ones are passed on late. */
const maxInVain = 50

/** Lets consumers learn that keys have changed at the broker, whoever changed them. Consumers of one topic share its keys. */
export class Watch {
  /** Whether the broker reports changes. */
  isReported = false
  readonly #keys = new Map<string, WatchedKey>()
  readonly #link: Link
  readonly #lateMs: number

  constructor(link: Link, lateMs: number) {
    this.#link = link
    this.#lateMs = lateMs
  }

  /** Watches some keys that lie in one slot. Calls `onChange` when one of them has changed. */
  add(names: readonly string[], onChange: () => void): KeyWatch {
    const keys = names.map((name) => {
      const known = this.#keys.get(name)
      if (known !== undefined) return known
      const key: WatchedKey = {
        name,
        watchers: new Set(),
        changes: 0,
        isArmed: false,
        secondAt: 0,
        changesOfSecond: 0,
        inVain: 0,
        isLate: false,
      }
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

  /** Passes on which keys the broker reports as changed. It reports null if any may have changed. */
  readonly onReport = (_channel: unknown, names: readonly Buffer[] | null): void => {
    if (names === null) this.changedAll()
    for (const name of names ?? []) {
      const key = this.#keys.get(String(name))
      if (key !== undefined) this.#reported(key)
    }
  }

  /**
   * A broker with a small `tracking-table-max-keys` forgets keys and reports them as changed. If all of them were armed again at once, that
   * would never end.
   */
  #reported(key: WatchedKey): void {
    key.inVain += 1
    if (key.inVain > maxInVain) {
      this.#changedLate(key)
      return
    }
    const now = performance.now()
    if (now - key.secondAt >= secondMs) {
      key.secondAt = now
      key.changesOfSecond = 0
    }
    key.changesOfSecond += 1
    this.#changed(key)
  }

  /** Passes on that any key may have changed. */
  changedAll(): void {
    for (const key of [...this.#keys.values()]) this.#changed(key)
  }

  #changedLate(key: WatchedKey): void {
    key.isArmed = false
    if (!key.isLate) setTimeout(() => this.#changed(key), this.#lateMs).unref()
    key.isLate = true
  }

  #changed(key: WatchedKey): void {
    key.changes += 1
    key.isArmed = false
    key.isLate = false
    for (const watch of key.watchers) watch.onChange()
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
        // The consumers read once more, and arm the keys again. Told at once while the broker is gone, they would do so without end.
        for (const key of keys) this.#changedLate(key)
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

  /** Notes that there was something to do. */
  noteFound(): void {
    for (const key of this.keys) key.inVain = 0
  }

  /** Whether one of the keys changes all the time. */
  get isBusy(): boolean {
    const now = performance.now()
    return this.keys.some((key) => key.changesOfSecond >= busyFrom && now - key.secondAt < 2 * secondMs)
  }

  /** Makes sure that a change after the next command is noticed, if the broker reports changes. Returns `changes`. */
  arm(): number {
    const unarmed = this.keys.filter(({ isArmed }) => !isArmed)
    if (unarmed.length > 0) this.#arm(unarmed)
    return this.changes
  }
}
