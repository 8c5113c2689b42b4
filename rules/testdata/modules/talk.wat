;; Says something, and then traps if the call has data.evil.
(module
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (import "tenterhook" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 64) "hello")
  (data (i32.const 96) "/data/evil")
  (func (export "decide") (result i64)
    (call $log (i32.const 64) (i32.const 5))
    (if (i32.ge_s (call $get (i32.const 96) (i32.const 10) (i32.const 128) (i32.const 64)) (i32.const 0)) (then unreachable))
    (i64.const 0)))
