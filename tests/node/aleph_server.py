#!/usr/bin/python3
"""A server that stands for the network: the two paths of an Aleph API that a
node reads, the one of a gateway of IPFS, and what goes wrong there.

  aleph_server.py DIRECTORY    prints the port; serves DIRECTORY/messages/HASH
                               and DIRECTORY/files/HASH, and as a gateway the
                               archive DIRECTORY/cars/CID; what is posted is in
                               DIRECTORY/hooks, a line each

DIRECTORY/faults/HASH has a word for each request of that hash, in turn; when
they are used up it is served well.  DIRECTORY/log gets a line a request.
"""
import http.server, json, os, sys, time, urllib.parse

TOP = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def fault(self, name):
        path = f"{TOP}/faults/{name}"
        words = open(path).read().split() if os.path.exists(path) else []
        if not words:
            return ""
        with open(path, "w") as f:
            f.write(" ".join(words[1:]))
        return words[0]

    def reply(self, status, body, **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path == "/api/v0/messages.json":
            name, kind = query.get("hashes", [""])[0], "message"
        elif url.path.startswith("/api/v0/storage/raw/"):
            name, kind = url.path.rsplit("/", 1)[1], "file"
        elif url.path.startswith("/ipfs/") and query.get("format") == ["car"]:
            name, kind = url.path.rsplit("/", 1)[1], "car"
            if "application/vnd.ipld.car" not in self.headers.get("Accept", ""):
                return self.reply(400, b"")
        else:
            return self.reply(404, b"")
        fault = self.fault(name)
        with open(f"{TOP}/log", "a") as f:
            f.write(f"{kind} {name} {self.headers.get('Range', '-')} {fault or '-'}\n")
        path = f"{TOP}/{kind}s/{name}"
        if fault == "busy":
            return self.reply(503, b"later", Retry_After="1")
        if fault == "redirect":
            return self.reply(302, b"", Location="http://127.0.0.1:1/")
        if fault == "hang":
            time.sleep(1)
            self.close_connection = True
            return
        if not os.path.exists(path):
            if kind == "message":
                return self.reply(200, b'{"messages": [], "pagination_total": 0}')
            return self.reply(404, b"")
        data = open(path, "rb").read()
        if kind == "message":
            data = json.dumps({"messages": [json.loads(data)]}).encode()
        if fault == "wrong":
            data = data[:-1] + b"!"
        start = 0
        if self.headers.get("Range", "").startswith("bytes=") and fault != "norange":
            start = int(self.headers["Range"][6:].split("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if fault != "unbounded":
            self.send_header("Content-Length", str(len(data) - start))
        else:
            self.close_connection = True
        self.end_headers()
        data = data[start:]
        if fault == "cut":
            self.wfile.write(data[:len(data) // 2])
            self.close_connection = True
            return
        self.wfile.write(data)


    def do_POST(self):
        name = self.path.rsplit("/", 1)[1]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.fault(name)
        if fault == "busy":
            return self.reply(503, b"")
        if fault == "redirect":
            return self.reply(307, b"", Location="/hook/elsewhere")
        with open(f"{TOP}/hooks", "a") as f:
            f.write(f"{self.path} {self.headers.get('X-Call-Id')} {self.headers.get('X-Function-Status')} "
                    f"{self.headers.get('Idempotency-Key')} {body.decode('latin-1').strip()}\n")
        self.reply(204, b"")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
