export { type CommandOptions, type Input, type Output, runCommand } from './run.js'
