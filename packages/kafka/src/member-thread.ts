// The module of the thread in which memberships live. It is a file of its own beside `index.js`.
import { parentPort } from 'node:worker_threads'
import { serveMembers } from './driver/group/thread/serve.js'

if (parentPort !== null) serveMembers(parentPort)
