export type OracleName =
  | 'canary lost'
  | 'canary attempts'
  | 'canary dead'
  | 'entry lost'
  | 'entry repeated'
  | 'list'
  | 'replay'
  | 'purge'
  | 'health'
  | 'silence'
  | 'uncaught'
  | 'memory'
  | 'hot loop'
  | 'text'
  | 'secret'
  | 'id'
  | 'task'
  | 'schedule'
  | 'process'

/** What was promised and does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
  readonly oracle: OracleName

  constructor(oracle: OracleName, text: string) {
    super(`[${oracle}] ${text}`)
    this.oracle = oracle
  }
}
