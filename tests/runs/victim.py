"""Stands for the copilot and for other programs of the same user: has a secret, servers and a terminal.

Called as `python victim.py SOCKET_FILE ABSTRACT_NAME`; prints its ports and its terminal as JSON and serves till it is
ended.
"""

import json
import os
import signal
import socket
import sys
import threading


def greet(server: socket.socket) -> None:
    """Say hello to whoever connects."""
    while True:
        connection, _ = server.accept()
        connection.sendall(b"hello")
        connection.close()


def main(path: str, abstract: str) -> None:
    """Serve."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    tcp = socket.create_server(("127.0.0.1", 0))
    servers = [tcp]
    for address in (path, f"\0{abstract}"):
        server = socket.socket(socket.AF_UNIX)
        server.bind(address)
        server.listen()
        servers.append(server)
    for server in servers:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    _, terminal = os.openpty()
    told = {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "terminal": os.ttyname(terminal)}
    print(json.dumps(told), flush=True)
    while True:
        data, sender = udp.recvfrom(16)
        udp.sendto(data, sender)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
