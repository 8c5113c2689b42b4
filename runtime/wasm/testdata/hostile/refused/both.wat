;; Both conventions.
;; refused: export evaluate and decide: both are there
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0)))
