// Callers of a function over WebSockets.  ws_client.mjs URL: prints what went
// wrong; ends with 0 if nothing did.
import { createRequire } from 'node:module';
import { connect } from 'node:net';
const WebSocket = createRequire(process.cwd() + '/')('ws');
const url = process.argv[2];
let bad = 0;
setTimeout(() => { console.log('it does not end'); process.exit(1); }, 60000).unref();
function expect(what, want, seen) {
	if (want === seen)
		return;
	console.log(`${what}: ${seen}, not ${want}`);
	bad = 1;
}
const once = (s, name) => new Promise((yes, no) => { s.once(name, (...a) => yes(a)); s.once('error', no); });

async function echo(path, messages) {
	const s = new WebSocket(url + path, { perMessageDeflate: false });
	await once(s, 'open');
	for (const m of messages) {
		s.send(m);
		const [data] = await once(s, 'message');
		expect(`${path}: an echo of ${m.length}`, 0, Buffer.compare(Buffer.from(m), data));
	}
	s.close(1000);
	const [code] = await once(s, 'close');
	return code;
}
expect('closed', 1000, await echo('/a?b', ['hello', Buffer.alloc(70000, 'x'), Buffer.alloc(3000000, 'y')]));
expect('several at once', '1000 1000 1000', (await Promise.all([1, 2, 3].map(i => echo('/' + i, ['x'.repeat(i)])))).join(' '));
{
	const s = new WebSocket(url + '/hello');
	const [data] = await once(s, 'message');
	expect('it speaks first', 'hello at once', data.toString());
	s.terminate();
}
{
	const s = new WebSocket(url + '/bye');
	await once(s, 'open');
	s.send('x');
	const [code] = await once(s, 'close');
	expect('the function closes', 1000, code);
}
for (const [path, want] of [['/plain', 200], ['/other', 502]]) {
	const s = new WebSocket(url + path);
	const status = await new Promise(r => { s.on('unexpected-response', (q, a) => r(a.statusCode)); s.on('open', () => r('open')); s.on('error', () => {}); });
	expect(path, want, status);
}
// By hand: what follows a request for a tunnel is no request, and a refused
// tunnel is a connection like any other.
function raw(text, until) {
	return new Promise(done => {
		const u = new URL(url.replace('ws:', 'http:'));
		const s = connect(Number(u.port), u.hostname, () => s.write(text.replaceAll('PATH', u.pathname)));
		let got = '';
		const end = () => { s.destroy(); done(got); };
		s.on('data', d => { got += d.toString('latin1'); if (until(got)) end(); });
		s.on('close', end);
		s.on('error', end);
	});
}
const ask = path => `GET PATH${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
const next = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
let got = await raw(ask('/plain') + next, g => g.includes('ok\n'));
expect('a refused tunnel, then a request', true, got.includes('plain\n') && got.includes('ok\n'));
got = await raw(ask('/hello') + next, g => g.includes('hello at once'));
expect('bytes in a tunnel are no request', true, got.includes(' 101 ') && got.includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=') && !got.includes('ok\n'));
got = await raw(ask('/plain') + 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', g => g.includes('two hosts'));
expect('the gate is closed again', true, got.includes(' 400 '));
process.exit(bad);
