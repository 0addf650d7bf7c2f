/** The exit codes of the command. The README explains them. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  /** Ended by Ctrl-C, as shells say it: 128 and the number of SIGINT. */
  brokenOff: 130,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** Ends the command with a text for stderr and an exit code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

export const usageFailure = (message: string): CommandFailure => new CommandFailure(exitCode.usage, message)
