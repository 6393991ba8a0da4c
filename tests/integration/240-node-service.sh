#!/bin/sh
# A node under a service manager: it takes the sockets it is given, says when
# it is ready, that it lives, and when it stops; and refuses what it does not
# know.  The manager is a few lines of Python.
. "$abs_top_srcdir/tests/lib/node.sh"
cat >"$work/manager.py" <<'END'
import os, signal, socket, subprocess, sys, time
cella, state, work, mode = sys.argv[1:]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(work + "/notify")
notify.settimeout(30)
http = socket.socket()
http.bind(("127.0.0.1", 0))
http.listen(16)
names = {"good": "http", "odd": "https", "twice": "http:http", "deaf": "http"}[mode]
if mode == "deaf":
    http = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
env = dict(os.environ, NOTIFY_SOCKET=work + "/notify", LISTEN_FDNAMES=names, WATCHDOG_USEC="200000",
           LISTEN_FDS=str(names.count(":") + 1))
def child():
    second = os.dup(http.fileno())
    for i, fd in enumerate((http.fileno(), second)):
        os.dup2(os.dup(fd), 3 + i)
        os.set_inheritable(3 + i, True)
    os.environ.update(env, LISTEN_PID=str(os.getpid()))
    os.execv(cella + "d", [cella + "d", "--state-dir", state])
pid = os.fork()
if pid == 0:
    child()
if mode != "good":
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
seen = []
def wait_for(word):
    while True:
        said = notify.recv(100).decode()
        if said not in seen:
            seen.append(said)
        if said == word:
            return
wait_for("READY=1")
wait_for("WATCHDOG=1")
with socket.create_connection(http.getsockname(), 10) as s:
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = b""
    while data := s.recv(1000):
        answer += data
print("socket", answer.split(b" ")[1].decode())
os.kill(pid, signal.SIGTERM)
wait_for("STOPPING=1")
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print("said", *sorted(seen))
END
manager() {
	/usr/bin/python3 "$work/manager.py" "$cella" "$work/state" "$work" "$1" 2>&1
	rm -f "$work/notify"
}
out=$(manager good)
contains "its socket" "socket 200" "$out"
contains "its end" "status 0" "$out"
contains "what it says" "said READY=1 STOPPING=1 WATCHDOG=1" "$out"
contains "an unknown name" "'https'" "$(manager odd)"
contains "two of a name" "'http'" "$(manager twice)"
contains "no listener" "does not listen" "$(manager deaf)"
finish
