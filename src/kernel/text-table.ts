/** Columns padded to their widest cell; numbers stand to the right. Nothing trails. */
export function textTable(head: readonly string[], rows: readonly (readonly (string | number)[])[], indent = ''): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  return cells
    .map((row) => (indent + row.map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ')).trimEnd())
    .join('\n')
}
