"""A service on loopback that says what it was told to say and remembers what it was asked."""

import http.server
import re
import threading

# Headers that a case is compared by; dates, agents and signatures differ from run to run.
COMPARED = ("if-match", "content-type", "content-length", "amz-sdk-request", "accept-encoding", "transfer-encoding")


class Stub:
    """Answers on a port of its own with the replies of the present case, in order, the last one again."""

    def __init__(self):
        stub = self
        self.replies = []
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body are two writes; without this the second waits for an acknowledgement.
            disable_nagle_algorithm = True
            wbufsize = -1

            def answer(self):
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                headers = {name: self.headers[name] for name in COMPARED if name in self.headers}
                authorization = self.headers.get("authorization", "")
                # The date is not the case's.
                signed = re.findall(r"Credential=([^/]*)/\d+/([^,]*)|SignedHeaders=([^,]*)", authorization)
                token = self.headers.get("x-amz-security-token")
                stub.requests.append({
                    "method": self.command,
                    "target": self.path,
                    "headers": headers,
                    "signed": [part for group in signed for part in group if part] + [token],
                    "body": body.decode("utf-8", "replace"),
                })
                reply = stub.replies[min(len(stub.requests), len(stub.replies)) - 1]
                self.send_response_only(reply["status"])
                content = reply["body"].encode()
                for name, value in reply["headers"].items():
                    self.send_header(name, value.encode("utf-8").decode("latin-1"))
                if reply["status"] != 204:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD" and reply["status"] != 204:
                    self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def script(self, replies):
        """Sets the replies of the next case and forgets the last one's requests."""
        self.replies = replies
        self.requests = []
