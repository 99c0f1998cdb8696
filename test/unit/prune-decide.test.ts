import { describe, expect, it } from 'vitest'
import { decide, YOUNG_MS } from '../../src/catalog/decide.ts'
import { tooMuch } from '../../src/catalog/guards.ts'
import type { Marks } from '../../src/catalog/mark.ts'
import type { Survey } from '../../src/catalog/survey.ts'
import { sweep } from '../../src/catalog/sweep.ts'
import { SWEEP_WINDOW_MS } from '../../src/catalog/sweep-window.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { memoryRepository } from '../support/archive-rig.ts'
import { failure } from '../support/failure.ts'

const GRACE = 24 * 60 * 60 * 1000
const NOW = Date.parse('2026-11-21T10:00:00Z')
const NAME = 'a'.repeat(64)
const NOTHING: Marks = { chunks: new Set(), facts: new Map(), openSessions: new Set(), held: new Map() }

/** A place with one chunk, stored and condemned so many milliseconds ago. */
async function surveyOf(storedAgo: number, condemnedAgo: readonly number[] = [], sweptAgo: number | null = null): Promise<Survey> {
  const repository = await memoryRepository()
  const scope = repository.scope()
  const objects = [scope.objects.names.chunk(NAME), scope.objects.names.chunkIndex(NAME)]
  return {
    bucket: 'main',
    buckets: ['main'],
    repository,
    scope,
    now: NOW,
    runId: uuidv7(),
    chunks: new Map([[NAME, { objects, bytes: 100, youngest: NOW - storedAgo }]]),
    snapshots: new Map(),
    sessions: new Map(),
    restores: new Map(),
    pins: [],
    holds: new Set(),
    referrers: [],
    keepsVersions: false,
    lists: condemnedAgo.map((ago) => ({
      listId: uuidv7(),
      storedAt: NOW - ago,
      runAt: null,
      damaged: false,
      sweptAt: sweptAgo === null ? null : NOW - sweptAgo,
      snapshots: [],
      chunks: sweptAgo === null ? [NAME] : [],
    })),
  }
}

describe('a chunk that nothing refers to', () => {
  it.each([
    ['just stored', 0, [], 'keep', 'young'],
    ['not yet an hour old', YOUNG_MS - 1, [], 'keep', 'young'],
    ['an hour old', YOUNG_MS, [], 'condemn', 'unreferenced'],
    ['dated in the future', -1, [], 'keep', 'future'],
    ['dated in the future, and condemned', -1, [2 * GRACE], 'keep', 'future'],
    ['condemned a moment less than the grace period ago', 2 * GRACE, [GRACE - 1], 'keep', 'grace'],
    ['condemned the grace period ago', 2 * GRACE, [GRACE], 'delete', 'unreferenced'],
    ['condemned twice', 2 * GRACE, [1, GRACE], 'delete', 'unreferenced'],
    ['condemned again a moment ago', 2 * GRACE, [GRACE, 1], 'delete', 'unreferenced'],
    ['condemned by a list from the future', 2 * GRACE, [-GRACE], 'keep', 'grace'],
    ['stored after it was condemned', GRACE - 1, [GRACE], 'condemn', 'unreferenced'],
  ] as const)('%s', async (_, storedAgo, condemnedAgo, action, reason) => {
    const { decisions } = decide(await surveyOf(storedAgo, condemnedAgo), NOTHING, GRACE)
    expect(decisions.filter(({ kind }) => kind === 'chunk')).toMatchObject([{ name: NAME, action, reason, bytes: 100 }])
  })

  it('is not even looked at when something does', async () => {
    expect(decide(await surveyOf(2 * GRACE, [GRACE]), { ...NOTHING, chunks: new Set([NAME]) }, GRACE).decisions).toEqual([])
  })
})

describe('a condemned list', () => {
  it.each([
    ['a moment less than the grace period after', GRACE - 1, 0],
    ['the grace period after', GRACE, 1],
  ])('goes %s it was swept', async (_, sweptAgo, lists) => {
    const { decisions } = decide(await surveyOf(2 * GRACE, [2 * GRACE], sweptAgo), NOTHING, GRACE)
    expect(decisions.filter(({ kind }) => kind === 'list')).toHaveLength(lists)
  })

  it('goes when it is damaged, and is not said to have been dealt with', async () => {
    const survey = await surveyOf(2 * GRACE, [2 * GRACE])
    expect(decide(survey, NOTHING, GRACE).sweptLists).toEqual(survey.lists.map(({ listId }) => listId))
    const damaged = { ...survey, lists: survey.lists.map((list) => ({ ...list, damaged: true, chunks: [] })) }
    const { decisions, sweptLists } = decide(damaged, NOTHING, GRACE)
    expect(sweptLists).toEqual([])
    expect(decisions).toMatchObject([
      { kind: 'chunk', action: 'condemn' },
      { kind: 'list', action: 'delete', reason: 'damaged' },
    ])
  })
})

describe('the guards', () => {
  it('count what waits as gone', async () => {
    const waiting = decide(await surveyOf(2 * GRACE, [1]), NOTHING, GRACE)
    expect(tooMuch([waiting], NOTHING)).toContain('1 of 1 chunks in bucket "main"')
    expect(tooMuch([decide(await surveyOf(0), NOTHING, GRACE)], NOTHING)).toBeNull()
  })

  it('end a sweep that takes too long', async () => {
    const survey = await surveyOf(2 * GRACE, [GRACE])
    const [stored] = survey.chunks.get(NAME)!.objects
    await survey.repository.storage.put(stored!, Buffer.from('x'), { ifAbsent: true })
    const plan = decide(survey, NOTHING, GRACE)
    await failure(sweep([plan], NOTHING, { elapsed: () => SWEEP_WINDOW_MS + 1 }), 'E_PRUNE_REFUSED')
    expect(await survey.repository.storage.stat(stored!)).not.toBeNull()
    await sweep([{ ...plan, sweptLists: [] }], NOTHING, { elapsed: () => 0 })
    expect(await survey.repository.storage.stat(stored!)).toBeNull()
  })
})
