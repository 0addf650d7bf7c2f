import type { Command } from 'commander'
import type { Session } from '../session.js'

/** Does the work of a command. It gets the arguments as they were given. */
export type Work<Arguments extends readonly unknown[]> = (
  session: Session,
  command: Command,
  ...args: Arguments
) => Promise<void>

/** Makes the action of a command of its work. */
export type Run = <Arguments extends readonly unknown[]>(
  work: Work<Arguments>,
) => (...given: unknown[]) => Promise<void>

/** Adds a command to the program. */
export type Register = (program: Command, run: Run) => void
