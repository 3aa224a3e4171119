"""Bare sockets against `sink`: how fast it is when its client does nothing. Prints one figure.

MiB per second up or down on four connections, or puts of 16 KiB per second on eight.
"""

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

MIB = 1 << 20
BLOCK = bytes(4 * MIB)
SMALL = bytes(16 << 10)
TOTAL = 256 * MIB
REQUESTS = 4000


def ask(line: socket.socket, method: str, key: str, body: bytes, headers: str = "") -> None:
    head = (
        f"{method} /bench/{key} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    line.sendall(head.encode() + body if len(body) <= len(SMALL) else head.encode())
    if len(body) > len(SMALL):
        line.sendall(body)
    read_answer(line)


def read_answer(line: socket.socket) -> None:
    got = b""
    while b"\r\n\r\n" not in got:
        got += line.recv(1 << 16)
    head, _, rest = got.partition(b"\r\n\r\n")
    left = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) - len(rest)
    buffer = bytearray(MIB)
    while left > 0:
        left -= line.recv_into(buffer)


def work(port: int, way: str, count: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(count):
            if way == "up":
                ask(line, "PUT", "bare", BLOCK)
            elif way == "down":
                ask(line, "GET", "bare", b"")
            else:
                ask(line, "PUT", f"bare-{number}", SMALL)


def main() -> None:
    port, way = int(sys.argv[1]), sys.argv[2]
    lines = 8 if way == "requests" else 4
    count = REQUESTS if way == "requests" else TOTAL // len(BLOCK)
    work(port, "up", 1)
    began = time.perf_counter()
    with ThreadPoolExecutor(lines) as pool:
        list(pool.map(lambda _: work(port, way, count // lines), range(lines)))
    seconds = time.perf_counter() - began
    print(f"{(count if way == 'requests' else TOTAL / MIB) / seconds:.1f}")


if __name__ == "__main__":
    main()
