/** Where a broker can run. What is taken from the environment has no machine: it is only a URL. */
export type Source = 'environment' | 'docker' | 'native'

/** The place where a broker is about to run, as its configuration has to know it. */
export interface Place {
  readonly source: 'docker' | 'native'
  /** The address that clients and the proxy connect to. */
  readonly host: string
  /** The address that the broker binds to. */
  readonly bind: string
  /** The broker's folder, as the broker sees it. */
  readonly folder: string
}

/** Everything that makes a broker, the same for a native process and for a container. */
export interface Recipe {
  readonly kind: string
  readonly image: string
  /** Reserved for it until it is removed. */
  readonly ports: readonly number[]
  /** Those of them that clients and proxies connect to. */
  readonly published: readonly number[]
  /** Text by file name, in the broker's folder. `boot.sh` starts there, and must end in an `exec` of the broker. */
  files(place: Place): Record<string, string>
}

/** One broker process or container. Its verbs know nothing of the broker's protocol. */
export interface Machine {
  readonly place: Place
  /** Starts it, or starts it again on the data that it left. Does not wait until the broker answers. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Asks it to end, and resolves once it has. */
  terminate(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends it if it runs, and removes everything that it wrote. */
  remove(): Promise<void>
  /** Runs a command line beside the broker, in its folder; resolves with what it printed. */
  run(script: string, timeoutMs: number): Promise<string>
  isRunning(): Promise<boolean>
  /** The end of what the broker printed, for error messages. */
  log(): Promise<string>
}
