/** A Set for many: most of them have one member, which alone takes 32 bytes in place of 150 and more. */
export class SmallSet<T extends string | object> implements Iterable<T> {
  /** The only member, all members, or undefined: none. */
  #members: T | Set<T> | undefined

  get size(): number {
    if (this.#members instanceof Set) return this.#members.size
    return this.#members === undefined ? 0 : 1
  }

  has(member: T): boolean {
    return this.#members instanceof Set ? this.#members.has(member) : this.#members === member
  }

  add(member: T): void {
    if (this.#members instanceof Set) this.#members.add(member)
    else if (this.#members === undefined) this.#members = member
    else if (this.#members !== member) this.#members = new Set([this.#members, member])
  }

  delete(member: T): void {
    if (this.#members instanceof Set) this.#members.delete(member)
    else if (this.#members === member) this.#members = undefined
  }

  [Symbol.iterator](): Iterator<T> {
    if (this.#members instanceof Set) return this.#members.values()
    return (this.#members === undefined ? [] : [this.#members]).values()
  }
}
