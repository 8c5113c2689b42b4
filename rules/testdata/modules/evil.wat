;; Runs forever if the call has data.evil, and else not at all.
(module
  (import "tenterhook" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 96) "/data/evil")
  (func (export "decide") (result i64)
    (if (i32.ge_s (call $get (i32.const 96) (i32.const 10) (i32.const 128) (i32.const 64)) (i32.const 0))
      (then (loop $on (br $on))))
    (i64.const 0)))
