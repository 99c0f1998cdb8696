import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HoldfastError } from '../kernel/errors.ts'

const DECORATORS =
  'Node strips types from TypeScript, but it compiles no decorators and does not complete file names: import what your build emits (dist/entities.js), not the decorated sources.'
const NOT_FOUND: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])

/** What the file exports by default. @throws `E_CONFIG` for anything that keeps it from being imported; a HoldfastError of its own goes through. */
export async function importConfig(path: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown }
    return module.default
  } catch (error) {
    if (error instanceof Error && error.name === 'HoldfastError') throw error
    throw new HoldfastError('E_CONFIG', `${basename(path)} cannot be imported: ${reason(error)}`, { hint: hintFor(error), cause: error })
  }
}

/** A syntax error says in the first line of its stack where it is, and nowhere else. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const place = error instanceof SyntaxError ? /^(?:file:\/\/)?(\/.+:\d+)$/m.exec(error.stack?.split('\n')[0] ?? '')?.[1] : undefined
  return place === undefined ? error.message : `${error.message} (${place})`
}

function hintFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return 'This Node does not run TypeScript: use Node 22.18 or later, or write the configuration as .mjs.'
  // Of a file the message has the path; a package stands there by its name.
  const name =
    error instanceof Error && NOT_FOUND.has(code) ? /^Cannot find (?:package|module) '((?:@[\w.-]+\/)?\w[\w.-]*)/.exec(error.message)?.[1] : undefined
  if (name !== undefined) return `npm install ${name}`
  if (error instanceof SyntaxError || NOT_FOUND.has(code) || (typeof code === 'string' && code.includes('TYPESCRIPT'))) return DECORATORS
  return 'The error is thrown while the file is evaluated; --verbose shows where.'
}
