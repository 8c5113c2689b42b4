;; Writes the password of a password import into the log, and traps.
(module
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 64) "/data/context/credential/password")
  (func (export "decide") (result i64)
    (call $log (i32.const 128) (call $get_text (i32.const 64) (i32.const 33) (i32.const 128) (i32.const 256)))
    unreachable))
