import Fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { type ErrorCode, ERRORS, HoldfastError } from '../../src/kernel/errors.ts'
import { errorEnvelope, sendError } from '../../web/fastify/error-response.ts'
import { ERROR_STATUS } from '../../web/fastify/error-status.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]
const apps: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

/** The answer of a route that throws, and what was logged. */
async function answerTo(error: unknown) {
  let log = ''
  const app = Fastify({ logger: { level: 'error', stream: { write: (line: string) => void (log += line) } } })
  apps.push(app)
  app.setErrorHandler(sendError)
  app.get('/', async () => {
    throw error
  })
  const response = await app.inject('/')
  return { status: response.statusCode, body: response.json<Record<string, unknown>>(), text: response.body, log }
}

describe('the status of errors', () => {
  it('is given for every code of the table, and for no other', () => {
    expect(Object.keys(ERROR_STATUS).sort()).toEqual([...CODES].sort())
  })

  it.each(CODES)('%s goes out with its status, its code and a way out', async (code) => {
    const { status, body } = await answerTo(new HoldfastError(code, 'what happened here'))
    expect(status).toBe(ERROR_STATUS[code])
    expect(status).toBeGreaterThanOrEqual(400)
    expect(body).toEqual({ code, message: 'what happened here', hint: ERRORS[code].hint, details: {}, retryable: ERRORS[code].retryable })
  })

  it('agrees with `retryable`: a client that goes by the status alone repeats what may succeed', () => {
    const byStatus = CODES.filter((code) => [503, 507].includes(ERROR_STATUS[code]))
    expect([...byStatus, 'E_RESTORE_MOVED'].sort()).toEqual(CODES.filter((code) => ERRORS[code].retryable).sort())
  })

  it('is 404 for everything that is unknown by a name in the request', () => {
    expect(CODES.filter((code) => ERROR_STATUS[code] === 404)).toEqual(CODES.filter((code) => code.endsWith('_UNKNOWN') && code !== 'E_STORAGE_UNKNOWN'))
  })

  it('logs what the operator has to act on, and nothing else', async () => {
    expect((await answerTo(new HoldfastError('E_STORAGE', 'the disk is gone'))).log).toContain('the disk is gone')
    for (const code of ['E_PLAN_UNKNOWN', 'E_ABORTED', 'E_BUSY'] as const) expect((await answerTo(new HoldfastError(code, 'x'))).log).toBe('')
  })
})

describe('the envelope of an error', () => {
  it('says nothing of an error that is none of the table', async () => {
    const { status, body, text, log } = await answerTo(new Error('password=hunter2 in /etc/shop'))
    expect(status).toBe(500)
    expect(body).toMatchObject({ code: 'E_INTERNAL', retryable: false, details: {} })
    expect(text).not.toMatch(/hunter2|etc|stack/)
    expect(log).toContain('hunter2') // where the operator finds it
  })

  it('has neither the cause nor the stack', async () => {
    const { text } = await answerTo(new HoldfastError('E_STORE_FAILED', 'the database is gone', { cause: new Error('connect postgres://shop:hunter2@db') }))
    expect(text).not.toMatch(/hunter2|errors\.ts/)
  })

  it('keeps facts and leaves out what names records', () => {
    const details = {
      policy: 'fail',
      rows: 3,
      conflicts: [{ entity: 'Customer', rows: 3, keys: ['["ann@example.test"]'] }],
      problems: [{ entity: 'Customer', key: '["ann@example.test"]', message: '…' }],
      problemCount: 1,
      none: null,
      ratio: Number.NaN,
      when: new Date(0),
      big: 1n,
      call: () => 'x',
      deep: { a: { b: { c: { d: 'too deep' } } } },
    }
    expect(errorEnvelope(new HoldfastError('E_RESTORE_CONFLICT', 'x', { details })).details).toEqual({
      policy: 'fail',
      rows: 3,
      conflicts: [{ entity: 'Customer', rows: 3 }],
      problemCount: 1,
      none: null,
      ratio: 'NaN',
      deep: { a: { b: {} } },
    })
  })

  it("is Holdfast's own for what Fastify refuses, and quotes nothing of the request", async () => {
    const app = Fastify({ bodyLimit: 100 })
    apps.push(app)
    app.setErrorHandler(sendError)
    app.post('/', () => ({}))
    const send = (type: string, payload: string) => app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload })
    const broken = await send('application/json', '{"token": s3cret')
    expect(broken.statusCode).toBe(400)
    expect(broken.json()).toMatchObject({ code: 'E_REQUEST', message: 'The body is not valid JSON.' })
    expect(broken.body).not.toContain('s3cret')
    expect(await send('application/s3cret', 'x')).toMatchObject({ statusCode: 415 })
    expect((await send('application/s3cret', 'x')).body).not.toContain('s3cret')
    const large = await send('application/json', JSON.stringify('x'.repeat(200)))
    expect(large.statusCode).toBe(413)
    expect(large.json()).toMatchObject({ code: 'E_REQUEST', retryable: false })
  })
})
