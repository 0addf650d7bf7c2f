/** A caller that runs a task and waits for its result, with a worker on another connection. */
export interface Asker {
  run(input: { readonly text: string }): Promise<unknown>
  close(): Promise<void>
}

export interface AskerOptions {
  readonly url: string
  readonly name: string
  readonly concurrency: number
}

export type OpenAsker = (options: AskerOptions) => Promise<Asker>
