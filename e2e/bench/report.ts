/** What a benchmark tells: tables for people, then one line of JSON for programs. */

export type Cell = string | number

export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json }

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface Report {
  readonly tables: readonly Table[]
  /** Targets that were missed or cannot be judged, remarks: a sentence each. */
  readonly notes?: readonly string[]
  /** The last line. */
  readonly json: Readonly<Record<string, Json>>
}

export function printReport({ tables, notes = [], json }: Report): string {
  const parts = tables.map(printTable)
  if (notes.length > 0) parts.push(notes.map((note) => `${note}\n`).join(''))
  return `${parts.join('\n')}\n${JSON.stringify(json)}\n`
}

/** The first column is text and stands left, the others are figures and stand right. */
function printTable({ title, columns, rows }: Table): string {
  const lines = [columns, ...rows.map((row) => row.map(String))]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const printed = lines.map((line) => {
    const cells = widths.map((width, column) => {
      const text = line[column] ?? ''
      return column === 0 ? text.padEnd(width) : text.padStart(width)
    })
    return `  ${cells.join('  ').trimEnd()}\n`
  })
  return `${title}\n${printed.join('')}`
}
