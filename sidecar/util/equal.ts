/**
 * Equality of plain data, whatever the order of members. Compared in place: a text of each value to compare
 * with would be as large as the values themselves.
 */
export function isEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) return areEqualLists(left, right)
  const keys = Object.keys(left)
  return keys.length === Object.keys(right).length
    && keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key as never], right[key as never]))
}

function areEqualLists(left: unknown, right: unknown): boolean {
  return Array.isArray(left) && Array.isArray(right) && left.length === right.length
    && left.every((item, position) => isEqual(item, right[position]))
}
