import type { Chapter } from '../../kit/case.js'
import { walk } from './walk.js'

export const randomWalk: Chapter = {
  name: 'random walk',
  cases: [
    {
      id: 'RND-1',
      title: 'operations in random order: every message is handled or dead as expected',
      promises: [1, 2, 3, 5, 6, 7, 13],
      level: 'required',
      timeoutMs: 180_000,
      run: (kit) => walk(kit, { steps: 100, rough: false }),
    },
    {
      id: 'RND-2',
      title: 'operations and connection faults in random order: no message is lost',
      promises: [1, 2, 4, 6, 10, 13],
      level: 'required',
      needs: ['cut'],
      alone: true,
      timeoutMs: 240_000,
      run: (kit) => walk(kit, { steps: 100, rough: true }),
    },
    {
      id: 'RND-3',
      title: 'many operations in random order: every message is handled or dead as expected',
      promises: [1, 2, 3, 5, 6, 7, 13],
      level: 'required',
      long: true,
      timeoutMs: 1_200_000,
      run: (kit) => walk(kit, { steps: 1_200, rough: false }),
    },
    {
      id: 'RND-4',
      title: 'many operations and connection faults in random order: no message is lost',
      promises: [1, 2, 4, 6, 10, 13],
      level: 'required',
      needs: ['cut'],
      alone: true,
      long: true,
      timeoutMs: 1_200_000,
      run: (kit) => walk(kit, { steps: 600, rough: true }),
    },
  ],
}
