"""What the pods of the tests run: a web server that says who it is.

Environment: ADDRESS and PORT to bind, NAME to say, READY=no to fail /ready, DEAF=yes to ignore
SIGTERM, HEALTH_FILE: /health answers 500 while it exists, CHILD=yes to start a child of its own.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._status(), {"workload": os.environ["NAME"], "pid": os.getpid()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(200, {"workload": os.environ["NAME"], "echo": body.decode()})

    def _status(self) -> int:
        if self.path == "/ready" and os.environ.get("READY") == "no":
            return 503
        sick = os.environ.get("HEALTH_FILE")
        return 500 if self.path == "/health" and sick and Path(sick).exists() else 200

    def _answer(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet: the log's lines are counted."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)  # without asking the resolver for our name
        self.server_name, self.server_port = "pod", int(os.environ["PORT"])


if __name__ == "__main__":
    if os.environ.get("DEAF") == "yes":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.environ.get("CHILD") == "yes":
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    with Server((os.environ["ADDRESS"], int(os.environ["PORT"])), Handler) as server:
        sys.stdout.write(f"serving {os.environ['NAME']}\n")
        sys.stdout.flush()
        server.serve_forever()
