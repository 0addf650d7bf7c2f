import { idle } from './idle/part.js'
import type { Part } from './part.js'
import { deploy } from './takeover/deploy.js'
import { freeze } from './takeover/freeze.js'
import { takeover } from './takeover/kill.js'
import { stall } from './takeover/stall.js'
import { backlog } from './throughput/backlog.js'
import { bodies, inFlight, throughput } from './throughput/beside.js'

/** All parts of the measurement, in the order in which they run. */
export const parts: readonly Part[] = [idle, takeover, stall, freeze, deploy, throughput, backlog, bodies, inFlight]
