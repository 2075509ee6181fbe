import type { Socket } from 'node:net'

/**
 * Ends a connection abruptly: by a reset, if it can still be told of one. Beside an end that is under way libuv refuses
 * a reset (EINVAL), and Node would keep the socket for ever, and its own process busy at its end.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded || socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}
