;; Puts the password of a password import between two texts, which the tests change.
(module
  (import "tenterhook" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 64) "/data/context/credential/password")
  (data (i32.const 1024) "{\"debugContext\":{\"p\":                                           ")
  (data (i32.const 2048) "}}              ")
  (func (export "decide") (result i64) (local $n i32)
    (local.set $n (call $get (i32.const 64) (i32.const 33) (i32.const 1088) (i32.const 512)))
    (if (i32.lt_s (local.get $n) (i32.const 1)) (then (return (i64.const 0))))
    (memory.copy (i32.add (i32.const 1088) (local.get $n)) (i32.const 2048) (i32.const 16))
    (i64.or (i64.const 0x40000000000) (i64.extend_i32_u (i32.add (local.get $n) (i32.const 80))))))
