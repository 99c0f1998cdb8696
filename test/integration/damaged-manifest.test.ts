import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { openStory, type Story } from '../support/story.ts'

describe('a snapshot whose manifest is damaged', () => {
  let story: Story
  let damaged: string

  beforeAll(async () => {
    story = await openStory({ dialect: 'sqlite', orm: 'TypeORM' })
    damaged = await story.backup()
    const [file] = globSync(join(story.root, `**/snapshots/${damaged}/manifest`))
    const bytes = readFileSync(file!)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(file!, bytes)
  })
  afterAll(() => story?.close())

  it.each<readonly [string, () => Promise<unknown>]>([
    ['a list', () => story.holdfast.discovery.snapshots()],
    ['the latest', () => story.holdfast.restores.restore({ snapshot: { plan: 'shop' }, dryRun: true })],
    ['a history', () => collect(story.holdfast.comparisons.history('Order', 1))],
  ])('keeps %s from being given without it, and leads to the others', async (_, look) => {
    const error = await failure(look(), 'E_ARCHIVE_CORRUPT')
    expect(error.details).toMatchObject({ snapshotId: damaged })
    expect(error.hint).toContain(`ids: ${story.snapshot}.`)
    expect(error.hint).toContain(`holdfast delete ${damaged}`)
  })

  it('keeps nothing any more once it is taken away', async () => {
    expect((await story.holdfast.restores.restore({ snapshot: story.snapshot, dryRun: true })).totals.update).toBe(0)
    await story.holdfast.discovery.delete(damaged, { reason: 'its manifest is damaged' })
    expect(await story.holdfast.discovery.snapshots()).toMatchObject([{ id: story.snapshot }])
    expect((await story.holdfast.restores.restore({ snapshot: { plan: 'shop' }, dryRun: true })).snapshotId).toBe(story.snapshot)
  })
})
