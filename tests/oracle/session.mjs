// npm's client of gRPC drives a session: from the .proto files alone.
//   session.mjs WHERE PROTOS MACHINE
import { createRequire } from 'node:module'
const require = createRequire(process.cwd() + '/')
const grpc = require('@grpc/grpc-js')
const { loadSync } = require('@grpc/proto-loader')

const [where, protos, machine] = process.argv.slice(2)
const loaded = grpc.loadPackageDefinition(loadSync('server-manager.proto', { includeDirs: [protos], longs: Number, keepCase: true, enums: String, defaults: true }))
const client = new loaded.CartesiServerManager.ServerManager(where, grpc.credentials.createInsecure())
const call = (rpc, request) => new Promise((resolve) =>
  client[rpc](request, { deadline: Date.now() + 30000 }, (e, reply) => resolve(e ? [e.code, e.details] : reply)))
const limits = { max_advance_state: 1e12, advance_state_increment: 1e10, max_inspect_state: 1e12, inspect_state_increment: 1e10 }
const ms = { checkin: 10000, advance_state: 10000, advance_state_increment: 5000, inspect_state: 10000, inspect_state_increment: 5000, machine: 10000, store: 10000, fast: 5000 }
const started = await call('StartSession', { session_id: 'js', machine_directory: machine, active_epoch_index: 0, server_cycles: limits, server_deadline: ms })
console.log(started.config?.rollup?.rx_buffer?.length ?? started)
const sender = Buffer.alloc(20, 7)
console.log(JSON.stringify(await call('AdvanceState', { session_id: 'js', active_epoch_index: 0, current_input_index: 0,
  input_metadata: { msg_sender: { data: sender }, block_number: 1, timestamp: 2, epoch_index: 0, input_index: 0 }, input_payload: Buffer.from('hello') })))
let epoch
do epoch = await call('GetEpochStatus', { session_id: 'js', epoch_index: 0 })
while (Array.isArray(epoch) || epoch.pending_input_count > 0)
const p = epoch.processed_inputs[0]
console.log(p.status, p.accepted_data.vouchers[0].address.data.equals(sender), p.accepted_data.vouchers[0].payload.toString(), p.reports[0].payload.toString(),
  p.voucher_hashes_in_epoch.sibling_hashes.length)
const q = await call('InspectState', { session_id: 'js', query_payload: Buffer.from('q') })
console.log(q.status, q.reports[0].payload.toString(), q.current_input_index)
console.log(JSON.stringify(await call('EndSession', { session_id: 'js' })))
console.log(JSON.stringify(await call('FinishEpoch', { session_id: 'js', active_epoch_index: 0, processed_input_count: 1 })))
console.log(JSON.stringify(await call('EndSession', { session_id: 'js' })))
client.close()
