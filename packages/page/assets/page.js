import { keepAges } from './ages.js'
import { drawChart } from './charts.js'
import { listenToKeys } from './keys.js'
import { goLive } from './live.js'
import { showChoice } from './selection.js'

keepAges()
listenToKeys()
showChoice()
goLive({ onPoint: drawChart() })
