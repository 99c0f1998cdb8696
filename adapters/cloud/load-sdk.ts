import { packageError } from '../../src/kernel/package-error.ts'

/**
 * The SDK that an adapter works with, imported when it is first needed. What of it is used is typed by shape, so that neither a missing package nor another
 * version of it breaks the types of those who do not use it.
 *
 * @throws `E_CONFIG` that says what to install.
 */
export async function loadSdk<T>(specifier: string, adapter: string): Promise<T> {
  try {
    return (await import(specifier)) as T
  } catch (cause) {
    throw packageError(specifier, adapter, cause)
  }
}
