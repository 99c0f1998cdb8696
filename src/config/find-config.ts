import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HoldfastError } from '../kernel/errors.ts'

const NAMES = ['ts', 'mts', 'js', 'mjs'].map((extension) => `holdfast.config.${extension}`)

export interface FindConfigOptions {
  readonly cwd: string
  /** A file named by the caller, in place of the search. */
  readonly file?: string | undefined
}

/**
 * The configuration file: the one named, or the first `holdfast.config.{ts,mts,js,mjs}` from the working directory upward.
 *
 * @throws `E_CONFIG` when there is none, and when one folder holds several.
 */
export function findConfig({ cwd, file }: FindConfigOptions): string {
  if (file !== undefined) {
    const path = resolve(cwd, file)
    if (existsSync(path)) return path
    throw new HoldfastError('E_CONFIG', `there is no configuration file ${path}`, { hint: 'Check --config, or HOLDFAST_CONFIG in the environment.' })
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = NAMES.filter((name) => existsSync(join(folder, name)))
    if (found.length > 1)
      throw new HoldfastError('E_CONFIG', `${folder} holds ${found.join(' and ')}`, { hint: 'Keep one of them, or say which with --config.' })
    if (found.length === 1) return join(folder, found[0]!)
    if (folder === dirname(folder)) break
  }
  throw new HoldfastError('E_CONFIG', `there is no holdfast.config.{ts,mts,js,mjs} in ${resolve(cwd)} or above`, {
    hint: "Write one: `import { defineConfig } from 'holdfast/config'; export default defineConfig({ stores, storage, plans })`; or name one with --config.",
  })
}
