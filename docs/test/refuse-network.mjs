import { Socket } from 'node:net'

// Loaded before a build: whatever it asks of a network, this machine's included, ends it.
const connect = Socket.prototype.connect

Socket.prototype.connect = function (...args) {
  const [first] = Array.isArray(args[0]) ? args[0] : args
  // A pipe between its own processes.
  if (typeof first === 'object' && first.path !== undefined) return connect.apply(this, args)
  throw new Error(`The network was asked for: ${JSON.stringify(first)}`)
}
