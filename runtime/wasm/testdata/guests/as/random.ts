// A module in AssemblyScript that answers with a random number. Without --use seed=as/random/hostSeed it imports env.seed.

@external("wasi_snapshot_preview1", "random_get")
declare function random_get(buf: usize, len: usize): i32;

export function tenterhook_abi_v1(): void {}

const buf = new ArrayBuffer(8);
let out = new ArrayBuffer(0);

// hostSeed seeds Math.random from the host's random stream, which differs for each event.
export function hostSeed(): f64 {
  random_get(changetype<usize>(buf), 8);
  return <f64>load<u64>(changetype<usize>(buf));
}

export function decide(): u64 {
  out = String.UTF8.encode('{"debugContext":{"random":' + Math.random().toString() + "}}");
  return (<u64>changetype<usize>(out) << 32) | <u64>out.byteLength;
}
