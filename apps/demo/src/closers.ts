export interface Closers {
  add(name: string, close: () => Promise<unknown>): void
  /** Closes all parts, the latest first. Always resolves. A part that fails or takes too long is named on stderr. */
  close(): Promise<void>
}

const patienceMs = 10_000

export function createClosers(): Closers {
  const closers: { readonly name: string; readonly close: () => Promise<unknown> }[] = []
  return {
    add: (name, close) => void closers.push({ name, close }),
    async close() {
      for (const { name, close } of closers.splice(0).reverse()) {
        let timer: NodeJS.Timeout | undefined
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`it took over ${patienceMs} ms`)), patienceMs)
        })
        await Promise.race([close(), late]).catch((error: Error) => {
          console.error(`The ${name} did not close: ${error.message}`)
        })
        clearTimeout(timer)
      }
    },
  }
}
