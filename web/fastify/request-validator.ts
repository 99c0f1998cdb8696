import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

/**
 * Checks requests against the schemas as they are written. Fastify's own validator drops unknown members of a body and turns types into each other, so that a
 * misspelt `dryRun` would be a restore; here both are refused. Only texts of the URL and the headers are read as the numbers and booleans that they spell.
 */
export const requestValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema)
  return (value: unknown) => {
    const read = httpPart === 'body' ? (value ?? null) : Value.Convert(schema, value)
    if (compiled.Check(read)) return { value: read }
    // A refused member is reported twice: once by itself and once in the list of its object.
    const error = compiled.Errors(read).filter(({ keyword }) => keyword !== 'boolean')
    return { error }
  }
}
