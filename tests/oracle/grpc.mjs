// npm's client of gRPC against a node: WHERE, and what it prints is compared.
import { createRequire } from 'node:module'
const require = createRequire(process.cwd() + '/')
const grpc = require('@grpc/grpc-js')

const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure())
const same = (x) => x
const ask = (path, request, options = {}) =>
  new Promise((resolve) =>
    client.makeUnaryRequest(path, same, same, request, new grpc.Metadata(), { deadline: Date.now() + 20000, ...options },
      (error, reply) => resolve(error ? `${error.code} ${error.details}` : reply.toString('hex'))))
const check = '/grpc.health.v1.Health/Check'

console.log(await ask(check, Buffer.alloc(0)))
console.log(await ask(check, Buffer.from('0a026e6f', 'hex')))
console.log(await ask('/no.Such/Method', Buffer.alloc(0)))
console.log(await ask(check, Buffer.alloc(5000)))
console.log((await Promise.all(Array.from({ length: 300 }, () => ask(check, Buffer.alloc(0))))).filter((x) => x === '0801').length)

// A stream that both sides use, closed by us.
const reflect = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', same, same, new grpc.Metadata(), {})
let answers = 0
reflect.on('data', () => { if (++answers === 100) reflect.end() })
for (let i = 0; i < 100; i++) reflect.write(Buffer.from('3a00', 'hex'))
await new Promise((resolve) => reflect.on('end', resolve))
console.log(answers)

// One that is watched until it is no more.
const watch = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0), new grpc.Metadata(), {})
watch.on('data', (d) => {
  console.log(d.toString('hex'))
  if (d.toString('hex') === '0801') console.log('watching')
})
watch.on('error', (e) => {
  console.log(`${e.code} ${e.details}`)
  client.close()
})
