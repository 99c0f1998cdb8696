// PostgreSQL COPY text to record lines and back, on bytes in linear memory. The host (`transcoder.ts`) owns the memory's layout; there is no
// allocator here. Built by `scripts/build-transcoder.mjs`.
export { encode } from './encode'
export { decode } from './decode'
