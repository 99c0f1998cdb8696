import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signToken, verifyToken } from '../../src/archive/continuation-token.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { memoryRepository } from '../support/archive-rig.ts'

const pointer = { planId: 'shop', planDigest: 'ab'.repeat(32), sessionId: uuidv7(), scope: null }
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ '

const refuses = (verify: () => unknown, what: string) => {
  try {
    verify()
  } catch (error) {
    if (isHoldfastError(error, 'E_TOKEN_INVALID')) return
    throw error
  }
  expect.fail(`${what} was accepted`)
}

describe('a continuation token', () => {
  test('points back to its session', async () => {
    const repository = await memoryRepository()
    const token = repository.signToken(pointer)
    expect(token).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/)
    expect(repository.verifyToken(token)).toEqual({ v: 1, repositoryId: repository.id, ...pointer })
    expect(repository.verifyToken(repository.signToken({ ...pointer, scope: 'tenant-7' })).scope).toBe('tenant-7')
  })

  test('with any character changed, dropped or added is refused', async () => {
    const repository = await memoryRepository()
    const token = repository.signToken(pointer)
    for (let at = 0; at <= token.length; at++) {
      const [before, after] = [token.slice(0, at), token.slice(at + 1)]
      if (at < token.length) refuses(() => repository.verifyToken(before + after), `without character ${at}`)
      for (const character of ALPHABET) {
        if (character !== token[at]) refuses(() => repository.verifyToken(before + character + after), `${character} at ${at}`)
        refuses(() => repository.verifyToken(before + character + token.slice(at)), `${character} before ${at}`)
      }
    }
  })

  test('of another repository is refused', async () => {
    const [one, two] = [await memoryRepository(), await memoryRepository()]
    refuses(() => two.verifyToken(one.signToken(pointer)), 'the token of another repository')
    const secret = Buffer.alloc(32, 1)
    const foreign = signToken({ v: 1, repositoryId: one.id, ...pointer }, secret)
    expect(verifyToken(foreign, secret, one.id).repositoryId).toBe(one.id)
    refuses(() => verifyToken(foreign, secret, two.id), 'a token of the same secret, but another repository')
  })

  test('that is no token is refused', async () => {
    const repository = await memoryRepository()
    for (const token of ['', '.', 'a', 'a.b', '..', 'x'.repeat(1_000_000), null, undefined, 7, {}, []])
      refuses(() => repository.verifyToken(token as string), JSON.stringify(token)?.slice(0, 20))
  })

  test('signed, but of another form, is refused', () => {
    const secret = Buffer.alloc(32, 1)
    const repositoryId = uuidv7()
    const sign = (text: string) => {
      const body = Buffer.from(text)
      const mac = createHmac('sha256', secret).update('holdfast continuation token 1\n').update(body).digest('base64url')
      return `${body.toString('base64url')}.${mac}`
    }
    const sound = { v: 1, repositoryId, ...pointer }
    expect(verifyToken(sign(JSON.stringify(sound)), secret, repositoryId)).toEqual(sound)
    for (const text of [
      '',
      'null',
      '[]',
      '{',
      JSON.stringify({ ...sound, v: 2 }),
      JSON.stringify({ ...sound, sessionId: '../x' }),
      JSON.stringify({ ...sound, scope: '../x' }),
    ]) {
      refuses(() => verifyToken(sign(text), secret, repositoryId), text)
    }
  })
})
