#!/usr/bin/env python3
"""Fetches the names on standard input once each, over so many connections that are kept open; prints the seconds.

usage: fetch.py ADDRESS PORT CONNECTIONS"""
import selectors
import socket
import sys
import time


class Connection:
    """One request at a time; the answer's end is known by Content-Length."""

    def __init__(self, address, names):
        self.socket = socket.create_connection(address)
        self.names, self.buffer, self.left = names, b"", -1
        self.ask()

    def ask(self):
        self.buffer, self.left = b"", -1
        self.socket.sendall(f"GET /{self.names.pop()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def take(self):
        """Whether there is more to come."""
        data = self.socket.recv(1 << 20)
        assert data, "the server closed the connection"
        if self.left < 0:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return True
            head = self.buffer[:end].lower()
            assert head.startswith(b"http/1.1 200"), head[:200]
            at = head.index(b"content-length:") + 15
            self.left = int(head[at:].split(b"\r", 1)[0]) - (len(self.buffer) - end - 4)
        else:
            self.left -= len(data)
        if self.left > 0:
            return True
        if not self.names:
            return False
        self.ask()
        return True


def main():
    address, n = (sys.argv[1], int(sys.argv[2])), int(sys.argv[3])
    names = sys.stdin.read().split()
    start = time.monotonic()
    selector = selectors.DefaultSelector()
    for _ in range(n):
        c = Connection(address, names)
        selector.register(c.socket, selectors.EVENT_READ, c)
    while selector.get_map():
        for key, _ in selector.select():
            if not key.data.take():
                selector.unregister(key.fileobj)
    print(time.monotonic() - start)


if __name__ == "__main__":
    main()
