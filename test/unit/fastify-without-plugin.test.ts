import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { ROOT } from '../architecture/source-files.ts'

/** As if the package were not there. */
const HIDE = `import { registerHooks } from 'node:module'
registerHooks({ resolve(specifier, context, next) {
  if (specifier === 'fastify-plugin') throw Object.assign(new Error("Cannot find package 'fastify-plugin'"), { code: 'ERR_MODULE_NOT_FOUND' })
  return next(specifier, context)
} })`
const load = (how: string, hidden: boolean) => {
  const hooks = hidden ? ['--import', `data:text/javascript,${encodeURIComponent(HIDE)}`] : []
  const script = `${how}.then((found) => console.log(typeof found.holdfastPlugin, found.holdfastPlugin[Symbol.for('fastify.display-name')]), (error) => console.log(error.code, '|', error.message, '|', error.hint))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...hooks, '--input-type=module', '--eval', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return `${stdout}${stderr}`.trim()
}
const MODULE = `import('./web/fastify/index.ts')`
const REQUIRED = `Promise.resolve().then(async () => (await import('node:module')).createRequire(process.cwd() + '/')('./web/fastify/index.ts'))`

it.each([
  ['imported', MODULE],
  ['required', REQUIRED],
])(
  'holdfast/fastify, %s, says what to install where fastify-plugin is not',
  (_, how) => {
    expect(load(how, true)).toBe('E_CONFIG | E_CONFIG: holdfast/fastify needs the package fastify-plugin, which is not installed | npm install fastify-plugin')
    expect(load(how, false)).toBe('function holdfast')
  },
  60_000,
)
