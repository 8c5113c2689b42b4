;; Denies nothing; says in the debugContext what the table tiers has for gold: one digit.
(module
  (import "tenterhook" "lookup" (func $lookup (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 64) "{\"debugContext\":{\"tier\":0}}")
  (data (i32.const 128) "tiersgold")
  (func (export "decide") (result i64)
    (drop (call $lookup (i32.const 128) (i32.const 5) (i32.const 133) (i32.const 4) (i32.const 88) (i32.const 1)))
    (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 27))))
