/**
 * Those who cannot go on after a change, if they keep the definitions that they have:
 *
 * - `readers`: programs that read with the old definitions what is written with the new ones.
 * - `writers`: programs that write with the old definitions what is read with the new ones. So are the messages that wait.
 */
export type Breaks = 'readers' | 'writers' | 'both' | 'nobody'

export interface Change {
  readonly breaks: Breaks
  /** The channel, which is the topic in documents of this library. */
  readonly channel: string
  /** The message, if it is one of several in its channel. */
  readonly message?: string
  /** The place in the payload, as `items[].price`. Empty for the whole of it, and for a change of the channel itself. */
  readonly path: string
  readonly text: string
}

/** A place in a payload at which one schema takes data that the other one refuses. */
export interface Gap {
  readonly path: string
  readonly kind: GapKind
  /** The data that is written, and that is read, as far as it can be shown. */
  readonly written: string
  readonly read: string
}

/**
 * - `type`, `values`, `range`, `pattern`, `format`: other data than the reader takes.
 * - `missing`: a property that the reader requires and the writer may leave out. `unnamed` if the writer does not know it.
 * - `gone`: a property that the reader names and the writer does not know.
 * - `added`: the same where the writer is the old one, and the reader can do without it. It harms nobody.
 * - `refused`: a property that the reader does not know and refuses.
 * - `unclear`: a change that is not compared.
 */
export type GapKind =
  | 'type'
  | 'values'
  | 'range'
  | 'pattern'
  | 'format'
  | 'missing'
  | 'unnamed'
  | 'gone'
  | 'added'
  | 'refused'
  | 'unclear'
