import type { Chapter } from '../../kit/case.js'
import { groupLifetimes } from './lifetime.js'
import { groupMembers } from './members.js'
import { groupNames } from './names.js'
import { groupRemainders } from './remainders.js'
import { groupStarts } from './start.js'

export const groups: Chapter = {
  name: 'groups',
  cases: [...groupMembers, ...groupLifetimes, ...groupStarts, ...groupNames, ...groupRemainders],
}
