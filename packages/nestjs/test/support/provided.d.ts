declare module 'vitest' {
  interface ProvidedContext {
    /** The major version of Nest. */
    nest: number
  }
}

export {}
