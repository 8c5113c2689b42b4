;; Writes what it is configured with into the log, and refuses it.
(module
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "configure") (param i32 i32) (result i32)
    (call $log (local.get 0) (local.get 1))
    (i32.const 7))
  (func (export "decide") (result i64) (i64.const 0)))
