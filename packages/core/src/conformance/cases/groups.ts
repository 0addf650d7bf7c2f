import type { Chapter } from '../case.js'
import { groupLifetimes } from './groups-lifetime.js'
import { groupMembers } from './groups-members.js'
import { groupNames } from './groups-names.js'
import { groupStarts } from './groups-start.js'

export const groups: Chapter = {
  name: 'groups',
  cases: [...groupMembers, ...groupLifetimes, ...groupStarts, ...groupNames],
}
