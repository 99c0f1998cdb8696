import { open, readFile, stat } from 'node:fs/promises'
import { HoldfastError } from '../kernel/errors.ts'
import { errno, isAbsent } from '../kernel/file-error.ts'

/** The way out when there is no file, and when it holds something else. */
export interface SecretFileHints {
  readonly absent: string
  readonly other: string
}

/** Writes a secret into a new file that nobody else may read. @throws `E_CONFIG` when the file exists: nothing is ever written over a key */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  let file
  try {
    file = await open(path, 'wx', 0o600)
  } catch (error) {
    const taken = errno(error) === 'EEXIST'
    throw new HoldfastError('E_CONFIG', `the key file ${path} cannot be made${taken ? ': there is one' : `: ${errno(error) ?? String(error)}`}`, {
      hint: taken ? 'Keys are never written over. Choose another path.' : 'Choose a path in a folder that exists and may be written to.',
      cause: error,
    })
  }
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * The one line of such a file that is no comment.
 *
 * @throws `E_KEY_MISSING` when it cannot be read, `E_CONFIG` when it holds something else or others than its owner may read it
 */
export async function readSecretFile(path: string, form: RegExp, hints: SecretFileHints): Promise<string> {
  let text: string
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new HoldfastError('E_CONFIG', `the key file ${path} may be read by others than its owner`, { hint: `chmod 600 ${path}` })
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    const absent = isAbsent(error)
    throw new HoldfastError('E_KEY_MISSING', absent ? `there is no key file ${path}` : `the key file ${path} cannot be read`, {
      hint: absent ? hints.absent : 'The user that runs this must be able to read it.',
      cause: error,
    })
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
  const found = form.exec(lines.length === 1 ? lines[0]! : '')
  if (!found) throw new HoldfastError('E_CONFIG', `${path} holds no Holdfast key`, { hint: hints.other })
  return found[1] ?? found[0]
}
