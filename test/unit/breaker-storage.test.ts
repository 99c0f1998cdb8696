import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { breakerStorage } from '../../src/storage/index.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'

function rig() {
  let time = 0
  const state = { ill: false, hang: false }
  const faulty = new FaultyStorage(memoryStorage(), () => (state.hang ? { kind: 'hang' } : state.ill ? { kind: 'error', when: 'before' } : undefined))
  const storage = breakerStorage(faulty, { failures: 3, restMs: 1000 }, () => time)
  const fail = async (times: number) => {
    for (let n = 0; n < times; n++) await expect(storage.stat('a')).rejects.toMatchObject({ code: 'E_STORAGE' })
  }
  return { storage, faulty, state, fail, pass: (ms: number) => void (time += ms) }
}

describe('a storage that keeps failing', () => {
  it('is left alone after so many failures in a row, for a while', async () => {
    const { storage, faulty, state, fail, pass } = rig()
    state.ill = true
    await fail(3)
    expect(storage.state).toBe('open')
    pass(400)
    const resting = { code: 'E_STORAGE_RESTING', retryable: true, details: { failures: 3, restMs: 600 } }
    await expect(storage.put('a', Buffer.from('a'), { ifAbsent: true })).rejects.toMatchObject(resting)
    await expect(storage.get('a')).rejects.toMatchObject(resting)
    await expect(collect(storage.list(''))).rejects.toMatchObject(resting)
    await expect(storage.delete(['a'])).rejects.toMatchObject(resting)
    expect(faulty.operations).toHaveLength(3)
  })

  it('is tried by one call after that, and used again when it succeeds', async () => {
    const { storage, state, fail, pass } = rig()
    state.ill = true
    await fail(3)
    pass(1000)
    state.ill = false
    state.hang = true
    const controller = new AbortController()
    const trial = storage.stat('a', { signal: controller.signal })
    expect(storage.state).toBe('half-open')
    await expect(storage.stat('a')).rejects.toMatchObject({ code: 'E_STORAGE_RESTING' })
    controller.abort()
    await expect(trial).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(storage.state).toBe('open') // an abort says nothing: the next call is the trial
    state.hang = false
    expect(await storage.stat('a')).toBeNull()
    expect(storage.state).toBe('closed')
    state.ill = true
    await fail(2)
    expect(storage.state).toBe('closed')
  })

  it('rests anew when the trial fails', async () => {
    const { storage, state, fail, pass } = rig()
    state.ill = true
    await fail(3)
    pass(1000)
    await fail(1)
    pass(999)
    await expect(storage.stat('a')).rejects.toMatchObject({ code: 'E_STORAGE_RESTING' })
    pass(1)
    state.ill = false
    expect(await collect(storage.list(''))).toEqual([])
    expect(storage.state).toBe('closed')
  })
})

it('answers that are none of success are signs of health', async () => {
  const { storage, state, fail } = rig()
  await storage.put('a', Buffer.from('a'), { ifAbsent: true })
  for (let n = 0; n < 5; n++) {
    state.ill = true
    await fail(2)
    state.ill = false
    if (n % 2) await expect(storage.put('a', Buffer.from('a'), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    else await expect(storage.get('absent')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    expect(storage.state).toBe('closed')
  }
})

it('options that are none are refused', () => {
  for (const options of [{ failures: 0 }, { restMs: 0 }, { rest: 5 } as object])
    expect(() => breakerStorage(memoryStorage(), options)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
})
