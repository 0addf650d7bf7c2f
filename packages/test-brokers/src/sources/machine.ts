/** The places where a broker can run. A broker from the environment has none; it is only a URL. */
export type Source = 'environment' | 'docker' | 'native'

/** The place where a broker will run, for its configuration. */
export interface Place {
  readonly source: 'docker' | 'native'
  /** The address that clients and the proxy connect to. */
  readonly host: string
  /** The address that the broker binds to. */
  readonly bind: string
  /** The broker's folder, as the broker sees it. */
  readonly folder: string
}

/** Everything that defines a broker, the same for a native process and for a container. */
export interface Recipe {
  readonly kind: string
  readonly image: string
  /** The ports, which are reserved until the broker is removed. */
  readonly ports: readonly number[]
  /** The ports to which clients and proxies connect. */
  readonly published: readonly number[]
  /** The signal that asks it to end by itself. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** Whether its children lead groups of their own, so that they are signalled one by one. Default: false. */
  readonly isParent?: boolean
  /** The files in the broker's folder, text by name. `boot.sh` starts there and must end in an `exec` of the broker. */
  files(place: Place): Record<string, string>
}

/** One broker process or container. Its verbs know nothing of the broker's protocol. */
export interface Machine {
  readonly place: Place
  /** Starts the broker, or restarts it on its data. Does not wait until it answers. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Asks the broker to end. Resolves once it has. */
  terminate(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends the broker if it runs, and removes everything that it wrote. */
  remove(): Promise<void>
  /** Runs a command line beside the broker, in its folder. Resolves with the output. */
  run(script: string, timeoutMs: number): Promise<string>
  isRunning(): Promise<boolean>
  /** Returns the end of the broker's output, for error messages. */
  log(): Promise<string>
}
