import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { checkMembers, checkPlans, checkRegistrars, checkStorage, checkStores } from '../../src/config/check-config.ts'
import { findConfig } from '../../src/config/find-config.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { definePlan } from '../../src/index.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())
let files = 0

const STORE = `{ name: 'default', dialect: 'sqlite', mapping: { entities: [], excluded: [] }, describe() {}, openView() {} }`
const STORAGE = `{ name: 'x', capabilities: {}, put() {} }`

/** A configuration file of its own, loaded. */
function load(text: string, extension = 'mjs') {
  const path = join(folder.path, `config-${++files}.${extension}`)
  writeFileSync(path, text)
  return loadConfig(path, { env: { WHERE: 'here' }, command: 'list' })
}

describe('finding the configuration', () => {
  const deep = join(folder.path, 'a', 'b', 'c')
  mkdirSync(deep, { recursive: true })

  it('is the nearest upward, or the one that is named', () => {
    writeFileSync(join(folder.path, 'a', 'holdfast.config.ts'), '')
    writeFileSync(join(folder.path, 'holdfast.config.mjs'), '')
    expect(findConfig({ cwd: deep })).toBe(join(folder.path, 'a', 'holdfast.config.ts'))
    expect(findConfig({ cwd: deep, file: '../../../holdfast.config.mjs' })).toBe(join(folder.path, 'holdfast.config.mjs'))
  })

  it('does not choose between two, and says when there is none', () => {
    writeFileSync(join(deep, 'holdfast.config.js'), '')
    writeFileSync(join(deep, 'holdfast.config.mts'), '')
    expect(() => findConfig({ cwd: deep })).toThrow(/E_CONFIG: .* holds holdfast\.config\.mts and holdfast\.config\.js/)
    expect(() => findConfig({ cwd: deep, file: 'nowhere.js' })).toThrow(/E_CONFIG: there is no configuration file .*nowhere\.js/)
    expect(() => findConfig({ cwd: '/' })).toThrow(/E_CONFIG: there is no holdfast\.config/)
  })
})

describe('loading a configuration', () => {
  it('calls the function with the facts, and awaits promises and functions inside', async () => {
    const config = await load(`
      export default async ({ env, command }) => ({
        stores: async () => [Promise.resolve(${STORE}), () => (${STORE})],
        storage: Promise.resolve({ [env.WHERE]: ${STORAGE}, [command]: { storage: ${STORAGE}, prefix: 'p/' } }),
        close() { globalThis.closedConfigs = (globalThis.closedConfigs ?? 0) + 1 },
      })`)
    expect(config.options.stores.map(({ name }) => name)).toEqual(['default', 'default'])
    expect(Object.keys(config.options.storage)).toEqual(['here', 'list'])
    await config.close()
    expect((globalThis as { closedConfigs?: number }).closedConfigs).toBe(1)
  })

  it('runs TypeScript', async () => {
    const config = await load(`const stores: readonly unknown[] = [${STORE}]\nexport default { stores, storage: ${STORAGE} } satisfies object`, 'ts')
    expect(config.options.stores).toHaveLength(1)
  })

  it('reports all problems at once, with path, kind of value and what is expected', async () => {
    const secret = 'postgres://shop:hunter2@db/shop'
    const error = await failure(
      load(`globalThis.closedProblems = 0
        export default {
          stores: [${STORE}, '${secret}'], storage: { cold: { storage: 7, prefx: 'x' }, hot: ${STORAGE} }, plan: [], plans: [null], registrars: {}, logger: {},
          close() { globalThis.closedProblems++ },
        }`),
      'E_CONFIG',
    )
    const problems = error.details.problems as { path: string; value: string }[]
    expect(problems.map(({ path, value }) => [path, value])).toEqual([
      ['plan', 'an empty list'],
      ['logger', 'an object'],
      ['stores[1]', 'a text of 31 characters'],
      ['storage.cold.prefx', 'a text of 1 characters'],
      ['storage.cold.storage', '7'],
      ['plans[0]', 'null'],
      ['registrars', 'an object'],
    ])
    expect(error.message).toContain('7 problems:\n  1. plan is an empty list; expected no such member; did you mean plans?')
    expect(error.message).not.toContain('hunter2')
    expect((globalThis as { closedProblems?: number }).closedProblems).toBe(1)
  })

  it.each([
    ['nothing', 'export const x = 1', 'default export is missing'],
    ['a list', 'export default []', 'default export is an empty list'],
  ])('refuses a file that exports %s', async (_, text, message) => {
    expect((await failure(load(text), 'E_CONFIG')).message).toContain(message)
  })

  it('says which part failed, and tells a database from a mistake', async () => {
    const mistake = await failure(load(`export default { stores: () => { throw new TypeError('x is not a function') }, storage: ${STORAGE} }`), 'E_CONFIG')
    expect(mistake.message).toMatch(/config-\d+\.mjs: stores failed: x is not a function/)
    const refused = `Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })`
    const database = await failure(load(`export default { stores: [() => { throw ${refused} }], storage: ${STORAGE} }`), 'E_STORE_FAILED')
    expect(database.message).toMatch(/stores\[0\] failed: connect ECONNREFUSED/)
  })

  it('says what to do about decorators and modules that are not found', async () => {
    writeFileSync(join(folder.path, 'entities.ts'), 'const Entity = () => () => {}\n@Entity()\nexport class Order {}\n')
    const decorated = await failure(load(`import { Order } from './entities.ts'\nexport default { stores: [Order] }`), 'E_CONFIG')
    expect(decorated.hint).toContain('it compiles no decorators')
    const missing = await failure(load(`import './nowhere.js'`), 'E_CONFIG')
    expect(missing.hint).toContain('dist/entities.js')
    expect((await failure(load(`import '@nobody/has-this/below'`), 'E_CONFIG')).hint).toBe('npm install @nobody/has-this')
    const thrown = await failure(load(`throw new Error('no DATABASE_URL')`), 'E_CONFIG')
    expect(thrown.message).toContain('cannot be imported: no DATABASE_URL')
    expect(thrown.cause).toMatchObject({ message: 'no DATABASE_URL' })
  })
})

describe('the checks', () => {
  it('pass what createHoldfast takes', () => {
    const storage = memoryStorage()
    const plan = definePlan({ id: 'a', description: 'b', entities: [] })
    const registrar = { moduleName: 'm', register() {}, describe: () => 'd' }
    expect([
      ...checkMembers({ stores: [], storage, close() {} }),
      ...checkStorage(storage),
      ...checkStorage({ a: storage, b: { storage, prefix: 'b/' } }),
      ...checkPlans([plan]),
      ...checkPlans(undefined),
      ...checkRegistrars([registrar]),
      ...checkRegistrars(undefined),
    ]).toEqual([])
  })

  it('find what is missing', () => {
    expect([...checkStores(undefined), ...checkStores([]), ...checkStorage(undefined), ...checkStorage({})].map(({ path, value }) => [path, value])).toEqual([
      ['stores', 'missing'],
      ['stores', 'an empty list'],
      ['storage', 'missing'],
      ['storage', 'an object'],
    ])
  })
})
