/** An SQL identifier, always quoted. */
export function quoteIdent(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

export function quoteTable(schema: string, table: string): string {
  return `${quoteIdent(schema)}.${quoteIdent(table)}`
}

const PLAIN = /^[ -&(-[\]-~]*$/

/**
 * A text literal that reads the same whatever `sql_mode` and the character sets of the connection say: plain ASCII in quotes, all else by its UTF-8 bytes.
 * It is utf8mb4 under the session's pinned settings, and takes on the collation of a column that it is compared with.
 */
export function quoteLiteral(text: string): string {
  return PLAIN.test(text) ? `'${text}'` : `_utf8mb4 ${quoteBytes(Buffer.from(text, 'utf8'))}`
}

export function quoteBytes(bytes: Uint8Array): string {
  return `x'${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}'`
}
