#!/bin/sh
# An application for Debian's python3-fastapi runs unchanged.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python-web tools"
. "$abs_top_srcdir/tests/lib/tools.sh"
mkdir "$work/code"
cat >"$work/code/main.py" <<'EOF'
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

app = FastAPI()
state = {}

class Item(BaseModel):
    name: str
    price: float

@app.on_event("startup")
async def startup():
    state["up"] = True

@app.get("/")
async def root():
    return {"up": state.get("up")}

@app.post("/items/{number}")
async def item(number: int, item: Item):
    return {"number": number, "name": item.name, "twice": item.price * 2}

@app.get("/stream")
async def stream():
    async def lines():
        for i in range(3):
            yield "line %d\n" % i
    return StreamingResponse(lines())

@app.get("/sync")
def sync():
    return "from a thread"

@app.get("/missing")
async def missing():
    raise HTTPException(status_code=404, detail="not here")

@app.get("/broken")
async def broken():
    raise RuntimeError("broken on purpose")
EOF
(cd "$work/code" && zip -q -r "$work/code.zip" .)
mksquashfs "$work/code" "$work/code.sqsh" -quiet -no-progress >/dev/null
# app FORM FILE: a message with that code.
app() {
	ref=$("$cella" store add "$2" --as code)
	cat >"$work/m.json" <<EOF
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":256,"seconds":20},
 "code":{"encoding":"$1","entrypoint":"main:app","ref":"$ref"},
 "runtime":{"ref":"$(image python-web)","comment":""},"on":{"http":true}}
EOF
}
app zip "$work/code.zip"
expect "zip" '{"up":true}' "$("$cella" run "$work/m.json")"
printf '{"name":"a","price":1.5}' >"$work/body"
out=$("$cella" run "$work/m.json" --request 'POST /items/7' --input "$work/body")
expect "body" '{"number":7,"name":"a","twice":3.0}' "$out"
expect "stream" "line 0
line 1
line 2" "$("$cella" run "$work/m.json" --request 'GET /stream')"
expect "sync" '"from a thread"' "$("$cella" run "$work/m.json" --request 'GET /sync')"
out=$("$cella" run "$work/m.json" --request 'GET /missing' --json)
contains "status" '"status": 404' "$out"
out=$("$cella" run "$work/m.json" --request 'GET /broken' --json 2>&1)
contains "exception" '"status": 500' "$out"
contains "traceback" 'broken on purpose' "$out"
app squashfs "$work/code.sqsh"
expect "squashfs" '{"up":true}' "$("$cella" run "$work/m.json")"
finish
