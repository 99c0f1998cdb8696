import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { corrupt } from './archive-error.ts'

/**
 * Makes the check of a value read from the archive. It compiles only while what the schema lets through is a `T`, so the two cannot drift apart.
 * Members that the schema does not know are let pass: a later version may add what it does not require of readers.
 */
export function createCheck<T>(): <S extends TSchema>(schema: Static<S> extends T ? S : never) => (value: unknown, object: string) => T {
  return (schema) => {
    const compiled = Compile(schema as TSchema)
    return (value, object) => {
      if (compiled.Check(value)) return value as T
      const [first] = compiled.Errors(value)
      throw corrupt(object, `${first?.instancePath || 'its content'} ${first?.message ?? 'is not as the format has it'}`)
    }
  }
}
