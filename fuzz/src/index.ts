// For programs that write hostile entries beside a load of their own, such as the soak.
export { type Arena, defaultArena, newArena } from './arena.js'
export { createHostileLoad, type HostileLoad } from './hostile-load.js'
export { enemyOf } from './open.js'
export { spareBytes } from './oracle/checks.js'
export { type Letter, lettersFrom, type Sighting, sightingOf } from './subject/sight.js'
