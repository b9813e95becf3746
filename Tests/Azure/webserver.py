"""A web server for tests: what it holds is told to it, and what it is sent is kept."""
import http.server
import ssl
import threading


class WebServer:
    """Serves `files` (path to bytes) and keeps what is PUT; the paths of `Handler` behave badly, each in its own way."""

    def __init__(self, certificate=None, host="127.0.0.1"):
        self.files, self.sent, self.headers, self.asked = {}, {}, {}, []
        self.silent, self.released = threading.Event(), threading.Event()
        handler = type("Bound", (Handler,), {"owner": self})
        self.server = http.server.ThreadingHTTPServer((host, 0), handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.origin = f"http{'s' if certificate else ''}://{host}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *arguments):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:  # A client that had enough.
            self.close_connection = True

    def do_GET(self):
        path = self.path.split("?")[0]
        self.owner.asked.append(self.path)
        words = path.strip("/").split("/", 1)
        body = self.owner.files.get("/" + words[-1])
        if words[0] == "to":  # /to/URL
            self.send_response(302)
            self.send_header("Location", words[1])
            return self.finish_without_body()
        if body is None:
            self.send_response(404)
            self.send_header("x-ms-error-code", "BlobNotFound")
            return self.finish_without_body()
        self.send_response(200)
        act = words[0] if len(words) == 2 else ""
        if act in ("chunked", "cut-chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            whole = body if act == "chunked" else body[:-7]
            for at in range(0, len(whole), 1000):
                part = whole[at:at + 1000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if act == "chunked":
                self.wfile.write(b"0\r\n\r\n")
        elif act == "endless":  # no length: a part cannot be told from the whole
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
            if act == "coded":
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            if act == "cut":
                self.wfile.write(body[:-7])
            elif act == "silent":
                self.wfile.write(body[:100])
                self.owner.silent.set()
                self.owner.released.wait(60)
            else:
                self.wfile.write(body)
        if act.startswith("cut") or act == "silent":
            self.close_connection = True

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/denied"):
            self.send_response(403)
            self.send_header("x-ms-error-code", "AuthorizationFailure")
            return self.finish_without_body()
        path = self.path.split("?")[0]
        self.owner.sent.setdefault(path, []).append(body)
        self.owner.headers[path] = dict(self.headers)
        self.owner.asked.append(self.path)
        self.send_response(201)
        self.finish_without_body()

    def finish_without_body(self):
        self.send_header("Content-Length", "0")
        self.end_headers()
