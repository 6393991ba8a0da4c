// A server that sends messages to who listens, as an Aleph API does.
// feed_server.mjs DIRECTORY [CERTIFICATE KEY]: prints the port.
//
// Each line that is put into DIRECTORY/send goes to all who listen, and to who
// comes later and asks from a time that is not after the line's: it begins with
// that time and a space.  Some have a meaning: "!close", "!break" (the
// connection), "!rule" (a frame that is none), "!long" (3 MiB), "!binary".
// DIRECTORY/asked gets a line for each who comes.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
const { WebSocketServer } = createRequire(process.cwd() + '/')('ws');
const [top, cert, key] = process.argv.slice(2);
const listeners = new Set();
const past = [];

function say(socket, text) {
	switch (text) {
	case '!close': return socket.close(1001, 'bye');
	case '!break': return socket._socket.destroy();
	case '!rule': return socket._socket.write(Buffer.from([0xc1, 0x00]));
	case '!long': return socket.send(JSON.stringify({ type: 'x'.repeat(3 << 20) }));
	case '!binary': return socket.send(Buffer.from('{"type":"POST"}'));
	default: return socket.send(text);
	}
}

const server = cert
	? https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) })
	: http.createServer();
server.on('request', (_, answer) => { answer.statusCode = 404; answer.end(); });
const wss = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
	fs.appendFileSync(`${top}/asked`, request.url + '\n');
	if (fs.existsSync(`${top}/refuse`))
		return socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
	wss.handleUpgrade(request, socket, head, ws => {
		const start = Number(new URL(request.url, 'http://x').searchParams.get('startDate'));
		listeners.add(ws);
		ws.on('close', () => listeners.delete(ws));
		ws.on('error', () => {});
		ws.on('message', m => fs.appendFileSync(`${top}/asked`, `it speaks: ${m}\n`));
		for (const [time, text] of past)
			if (time >= start && !text.startsWith('!'))
				say(ws, text);
	});
});
let seen = 0;
function look() {
	if (!fs.existsSync(`${top}/send`))
		return;
	const lines = fs.readFileSync(`${top}/send`, 'utf8').split('\n').slice(0, -1);
	for (; seen < lines.length; seen++) {
		const at = lines[seen].indexOf(' ');
		const message = [Number(lines[seen].slice(0, at)), lines[seen].slice(at + 1)];
		past.push(message);
		for (const ws of listeners)
			say(ws, message[1]);
	}
}
fs.writeFileSync(`${top}/send`, '');
fs.watch(`${top}/send`, look);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
