import { HoldfastError } from '../../src/kernel/errors.ts'

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
    const absent = cause instanceof Error && 'code' in cause && (cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND')
    throw new HoldfastError(
      'E_CONFIG',
      absent ? `${adapter} needs the package ${specifier}, which is not installed` : `${adapter} cannot load the package ${specifier}`,
      {
        hint: `npm install ${specifier}`,
        cause,
        details: { package: specifier },
      },
    )
  }
}
