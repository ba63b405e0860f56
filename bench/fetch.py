#!/usr/bin/env python3
"""Fetches the names on standard input once each, over so many connections that are kept open; prints the seconds.

usage: fetch.py ADDRESS PORT CONNECTIONS"""
import selectors
import socket
import sys
import time


class Connection:
    """One request at a time; the answer's end is known by Content-Length. A server may close after an answer that says so."""

    def __init__(self, selector, address, names):
        self.selector, self.address, self.names = selector, address, names
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(self.address)
        self.selector.register(self.socket, selectors.EVENT_READ, self)
        self.ask()

    def ask(self):
        self.buffer, self.left, self.closes = b"", -1, False
        self.socket.sendall(f"GET /{self.names.pop()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def take(self):
        data = self.socket.recv(1 << 20)
        assert data, "the server closed the connection"
        if self.left < 0:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            assert head.startswith(b"http/1.1 200"), head[:200]
            self.closes = b"\r\nconnection: close" in head
            at = head.index(b"content-length:") + 15
            self.left = int(head[at:].split(b"\r", 1)[0]) - (len(self.buffer) - end - 4)
        else:
            self.left -= len(data)
        if self.left == 0:
            self.go_on()

    def go_on(self):
        if self.names and not self.closes:
            self.ask()
            return
        self.selector.unregister(self.socket)
        self.socket.close()
        if self.names:
            self.connect()


def main():
    address, n = (sys.argv[1], int(sys.argv[2])), int(sys.argv[3])
    names = sys.stdin.read().split()
    start = time.monotonic()
    selector = selectors.DefaultSelector()
    for _ in range(n):
        Connection(selector, address, names)
    while selector.get_map():
        for key, _ in selector.select():
            key.data.take()
    print(time.monotonic() - start)


if __name__ == "__main__":
    main()
