// PostgreSQL COPY text to record lines and back, and rows of MySQL to record lines, on bytes in linear memory. The hosts (`transcoder-memory.ts`,
// `mysql/row-memory.ts`) own the layout; there is no allocator here. Built by `scripts/build-transcoder.mjs`.
export { encode } from './encode'
export { decode } from './decode'
export { encodeRows } from './rows-encode'
