import { HoldfastError } from './errors.ts'

/** For a package of somebody else's that could not be loaded: `E_CONFIG` that says what to install. */
export function packageError(specifier: string, neededBy: string, cause: unknown): HoldfastError {
  const absent = cause instanceof Error && 'code' in cause && (cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND')
  return new HoldfastError(
    'E_CONFIG',
    absent ? `${neededBy} needs the package ${specifier}, which is not installed` : `${neededBy} cannot load the package ${specifier}`,
    { hint: `npm install ${specifier}`, cause, details: { package: specifier } },
  )
}
